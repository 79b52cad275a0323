"""Choose few (source, target) lengths that hold all pairs with little padding."""

from __future__ import annotations

import numpy as np


def choose_shapes(
    source: np.ndarray, target: np.ndarray, shapes: int
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return the shapes (source_length, target_length), and the shape's number for each pair.

    Args:
        source, target: lengths, int64 (pairs,).
        shapes: how many shapes at most.
    """
    key = np.maximum(source, target)
    edges = np.unique(key)
    counts = np.bincount(np.searchsorted(edges, key))
    best = _cut(edges, counts, shapes)
    bucket = np.searchsorted(best, key)
    lengths = [(int(source[bucket == b].max()), int(target[bucket == b].max())) for b in range(len(best))]
    return lengths, bucket


def _cut(edges: np.ndarray, counts: np.ndarray, shapes: int) -> np.ndarray:
    """Dynamic programming: the cuts of sorted lengths that minimize the sum of count * upper edge."""
    total = np.concatenate([[0], np.cumsum(counts)])
    n = len(edges)
    cost = np.full(n + 1, np.inf)
    cost[0] = 0
    back = []
    for _ in range(min(shapes, n)):
        # new[j] = min over i < j of cost[i] + edges[j-1] * (total[j] - total[i])
        table = cost[None, :] + edges[:, None] * (total[1:, None] - total[None, :])
        table[np.triu_indices(n, 1, n + 1)] = np.inf
        choice = table.argmin(axis=1)
        back.append(choice)
        cost = np.concatenate([[np.inf], table[np.arange(n), choice]])
    cuts, j = [], n
    for choice in reversed(back):
        cuts.append(edges[j - 1])
        j = choice[j - 1]
    return np.array(cuts[::-1])
