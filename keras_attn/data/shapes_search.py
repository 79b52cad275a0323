"""Choose few (source, target) lengths that hold all pairs with little padding."""

from __future__ import annotations

import itertools

import numpy as np

GRID = 96  # distinct lengths looked at; more cost time and save next to nothing
UNCOVERED = 1 << 40  # the cost of a pair that no shape holds; far above any real one


def choose_shapes(source: np.ndarray, target: np.ndarray, shapes: int) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return the shapes [(source_length, target_length)], cheap to dear, and the shape of each pair, int16.

    The cost of a shape is `pairs * (source_length + target_length)`. Four first guesses cut the pairs sorted
    by one number (the longer side, their mean, source, target), each the best possible such cut; then single edges
    of the shapes move as long as that helps, as the best rectangles seldom follow one number.

    Args:
        source, target: lengths, int64 (pairs,).
        shapes: how many shapes at most.
    """
    edges = _edges(np.concatenate([source, target]))
    n = len(edges)
    cells, counts = np.unique(np.searchsorted(edges, source) * n + np.searchsorted(edges, target), return_counts=True)
    grid = np.stack([cells // n, cells % n], axis=1)  # (cells, 2): places in `edges`, as in all that follows
    best_cost, best = UNCOVERED * len(source), grid
    if len(grid) > shapes:
        mean = np.searchsorted(edges, edges[grid].mean(axis=1))
        for key in (grid.max(axis=1), mean, grid[:, 0], grid[:, 1]):
            guess = _first_guess(grid, counts, key, edges, shapes)
            guess = guess[np.arange(shapes) % len(guess)]  # if it needs fewer, the spare ones start on top of others
            cost, found = _refine(guess, grid, counts, edges)
            if cost < best_cost:
                best_cost, best = cost, found
    rectangles = edges[best]
    rectangles = rectangles[np.lexsort((rectangles[:, 0], rectangles.sum(axis=1)))]
    bucket = np.zeros(len(source), np.int16)
    left = np.ones(len(source), bool)
    lengths: list[tuple[int, int]] = []
    for most_source, most_target in rectangles:  # the cheapest that holds a pair comes first
        members = left & (source <= most_source) & (target <= most_target)
        if members.any():
            bucket[members] = len(lengths)
            lengths.append((int(source[members].max()), int(target[members].max())))
            left &= ~members
    return lengths, bucket


def _edges(lengths: np.ndarray) -> np.ndarray:
    """Return the lengths where a shape may end: all, or where equal shares of the tokens lie between two."""
    values, counts = np.unique(lengths, return_counts=True)
    if len(values) <= GRID:
        return values
    tokens = np.cumsum(values * counts)
    wanted = np.linspace(0, tokens[-1], GRID + 1)[1:]
    return values[np.unique(np.searchsorted(tokens, wanted))]


def _first_guess(grid: np.ndarray, counts: np.ndarray, key: np.ndarray, edges: np.ndarray, shapes: int) -> np.ndarray:
    """Return the rectangles of the cheapest cut of the cells sorted by `key`, int (at most shapes, 2).

    Dynamic programming over the ranks of the key: the best cut of a beginning is the best cut of a shorter one and
    one part more.
    """
    values, rank = np.unique(key, return_inverse=True)
    n = len(values)
    largest = np.stack([grid[rank == r].max(axis=0) for r in range(n)])
    total = np.concatenate([[0], np.cumsum(np.bincount(rank, weights=counts))])
    part = np.full((n + 1, n + 1), np.inf)  # part[i, j]: the cost of the ranks from i up to, not including, j
    for i in range(n):
        part[i, i + 1 :] = edges[np.maximum.accumulate(largest[i:])].sum(axis=1) * (total[i + 1 :] - total[i])
    cost, choices = part[0], []  # cost[j]: the ranks up to j, in as many parts as rounds so far
    for _ in range(min(shapes, n) - 1):
        table = cost[:, None] + part
        choices.append(table.argmin(axis=0))
        cost = table.min(axis=0)
    cuts = [n]
    for choice in reversed(choices):
        cuts.append(int(choice[cuts[-1]]))
    cuts = [0, *cuts[::-1]]
    return np.stack([largest[i:j].max(axis=0) for i, j in itertools.pairwise(cuts)])


def _refine(shapes: np.ndarray, grid: np.ndarray, counts: np.ndarray, edges: np.ndarray) -> tuple[int, np.ndarray]:
    """Move one shape's edges at a time, as long as the cost falls; return (cost, shapes)."""
    costs = np.stack([_cost(shape, grid, edges) for shape in shapes], axis=1)  # (cells, shapes)
    best = int((costs.min(axis=1) * counts).sum())
    for _ in range(50):
        before = best
        for number in range(len(shapes)):
            others = np.delete(costs, number, axis=1).min(axis=1, initial=UNCOVERED)
            for move in MOVES:
                moved = shapes[number] + move
                if moved.min() < 0 or moved.max() >= len(edges):
                    continue
                column = _cost(moved, grid, edges)
                each = np.minimum(others, column)
                if each.max() == UNCOVERED:  # which times a large count is no number of 64 bits any more
                    continue
                cost = int((each * counts).sum())
                if cost < best:
                    best, shapes, costs = cost, shapes.copy(), costs.copy()
                    shapes[number], costs[:, number] = moved, column
        if best == before:
            break
    return best, shapes


MOVES = [
    np.array([source, target])
    for far in (1, 2, 4)
    for source in (-far, 0, far)
    for target in (-far, 0, far)
    if source or target
]


def _cost(shape: np.ndarray, grid: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.where((grid <= shape).all(axis=1), edges[shape].sum(), UNCOVERED)
