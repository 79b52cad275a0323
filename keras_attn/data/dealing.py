"""Deal pairs to shapes: what does not fill a batch goes on to a larger shape."""

from __future__ import annotations

import numpy as np

Shape = tuple[int, int, int]  # batch, source_length, target_length
Dealt = tuple[np.ndarray, Shape]  # pairs of a batch, int (at most batch,), and its shape


def next_that_holds(lengths: list[tuple[int, int]], number: int) -> int | None:
    """Return the place of the first shape after this one that holds all it holds, if there is one.

    >>> next_that_holds([(3, 5), (9, 4), (9, 9)], 0)
    2
    """
    source, target = lengths[number]
    for following in range(number + 1, len(lengths)):
        if lengths[following][0] >= source and lengths[following][1] >= target:
            return following
    return None


def first_that_holds(lengths: list[tuple[int, int]], source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the place of the first shape that holds each pair, int16 (pairs,), -1 where none does.

    >>> first_that_holds([(3, 5), (9, 4)], np.array([3, 4, 4]), np.array([4, 4, 5])).tolist()
    [0, 1, -1]
    """
    bucket = np.full(len(source), -1, np.int16)
    for number in reversed(range(len(lengths))):
        bucket[(source <= lengths[number][0]) & (target <= lengths[number][1])] = number
    return bucket


def deal(order: np.ndarray, bucket: np.ndarray, shapes: list[Shape], following: list[int | None]) -> list[Dealt]:
    """Return the batches (indices, shape), small shapes first; in each shape pairs come in the order given.

    Args:
        order: pairs, int64 (pairs,).
        bucket: the place of each pair's shape, int (pairs,); `order` holds indices of it.
        shapes: (rows, source_length, target_length) of each.
        following: of each shape, where its leftovers go; None keeps them in a short batch.
    """
    order = order[np.argsort(bucket[order], kind="stable")]
    counts = np.bincount(bucket, minlength=len(shapes))
    parts = [[part] for part in np.split(order, np.cumsum(counts)[:-1])]
    batches = []
    for number, shape in enumerate(shapes):
        indices, rows, beyond = np.concatenate(parts[number]), shape[0], following[number]
        full = len(indices) if beyond is None else len(indices) // rows * rows
        batches += [(indices[begin : min(full, begin + rows)], shape) for begin in range(0, full, rows)]
        if beyond is not None:
            parts[beyond].append(indices[full:])
    return batches
