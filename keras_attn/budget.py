"""What is decoded or scored together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# A step's operations are too small to be shared out among threads: two cores did 1,000 sentences of Multi30k in half
# the time with two batches side by side (2026-11-20). Each needs memory of its own.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SIDE_BY_SIDE = max(2, CORES)

Batch = TypeVar("Batch")
Answer = TypeVar("Answer")


def by_length(lengths: Sequence[int], tokens: int, most: int | None = None) -> list[list[int]]:
    """Batches of about equal lengths, the longest first, each of at most `tokens` padded tokens.

    >>> by_length([2, 9, 3, 1], tokens=6)
    [[1], [2, 0], [3]]

    Args:
        lengths: tokens of each sentence.
        tokens: of a batch, the padding counted; a sentence that is longer has a batch of its own.
        most: sentences of a batch, too; any number if None.

    Returns:
        The places of each batch's sentences in `lengths`.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        size = 1 + len(batches[-1]) if batches else 0
        if not batches or size * longest > tokens or (most is not None and size > most):
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return batches


def side_by_side(answer: Callable[[Batch], Answer], batches: Sequence[Batch]) -> Iterator[Answer]:
    """What `answer` makes of each batch, in their order, of as many batches at a time as there are cores.

    >>> list(side_by_side(len, ["one", "three"]))
    [3, 5]
    """
    if len(batches) < 2:
        yield from map(answer, batches)
        return
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        yield from threads.map(answer, batches)
