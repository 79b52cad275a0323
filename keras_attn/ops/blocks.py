"""A long sequence cut into blocks, each with its neighborhood: attention to what is near costs linear time."""

from __future__ import annotations

from typing import Any

from keras import ops


def cut(x: Any, block: Any) -> Any:
    """(batch, length, ...) -> (batch, blocks, block, ...), the last block filled up with zeros.

    >>> import numpy as np
    >>> np.asarray(cut(np.arange(1, 6)[None], 2)).tolist()
    [[[1, 2], [3, 4], [5, 0]]]
    """
    batch, length = ops.shape(x)[:2]
    blocks = -(-length // block)
    return ops.reshape(_padded(x, 0, blocks * block), (batch, blocks, block, *ops.shape(x)[2:]))


def around(x: Any, length: Any, block: int, before: int, after: int) -> Any:
    """(batch, any length, ...) -> (batch, blocks, before + block + after, ...): what is around each block of `cut`.

    Zeros stand where nothing is. There are as many blocks as `cut` makes of `length` places.

    >>> import numpy as np
    >>> np.asarray(around(np.arange(1, 6)[None], 5, 2, before=1, after=0)).tolist()
    [[[0, 1, 2], [2, 3, 4], [4, 5, 0]]]
    """
    batch = ops.shape(x)[0]
    pieces = 1 - (-(before + after) // block)  # in how many blocks a neighborhood begins or ends
    count = -(-length // block) + pieces - 1
    padded = _padded(x[:, : count * block - before], before, count * block)
    chunks = ops.reshape(padded, (batch, count, block, *ops.shape(x)[2:]))
    # Slices side by side rather than one gather, whose gradient is slow.
    spans = ops.concatenate([chunks[:, i : i - pieces + 1 or None] for i in range(pieces)], axis=2)
    return spans[:, :, : before + block + after]


def places(start: Any, length: Any, block: Any, before: int) -> Any:
    """Where the neighborhoods are, for blocks that begin at `start` of a longer sequence, and have nothing after them.

    Returns:
        (blocks, before + block) integers; some may be out of range.

    >>> import numpy as np
    >>> np.asarray(places(0, 3, 2, before=1)).tolist()
    [[-1, 0, 1], [1, 2, 3]]
    """
    first = start - before + block * ops.arange(-(-length // block))  # (blocks,)
    return ops.expand_dims(first, 1) + ops.arange(before + block)


def gather(x: Any, place: Any, axis: int = 1) -> Any:
    """(batch, time, ...) at (blocks, span) places -> (batch, blocks, span, ...); anything where there is none."""
    return ops.take(x, ops.clip(place, 0, ops.shape(x)[axis] - 1), axis=axis)


def near(block: Any, width: int) -> Any:
    """0 <= j - i < width: which of the block + width - 1 places around are seen from the places of a block.

    >>> import numpy as np
    >>> np.asarray(near(2, 3)).astype(int).tolist()
    [[1, 1, 1, 0], [0, 1, 1, 1]]
    """
    apart = ops.arange(block + width - 1) - ops.expand_dims(ops.arange(block), 1)
    return ops.logical_and(apart >= 0, apart < width)


def band(x: Any, width: int) -> Any:
    """The part that `near` shows, without the rest: (..., block, block + width - 1) -> (..., block, width).

    >>> import numpy as np
    >>> np.asarray(band(np.array([[1, 2, 3, 0], [0, 4, 5, 6]]), 3)).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    *outer, block, span = ops.shape(x)
    # Place (i, i + j) of rows that are `span` long is place (i, j) of rows that are one longer.
    flat = ops.reshape(x, (*outer, block * span))
    flat = ops.concatenate([flat, ops.zeros((*outer, block), x.dtype)], axis=-1)
    return ops.reshape(flat, (*outer, block, span + 1))[..., :width]


def _padded(x: Any, before: int, length: Any) -> Any:
    """Zeros before `x`, and after it up to `length` in all."""
    batch, own = ops.shape(x)[:2]

    def zeros(count: Any) -> Any:
        return ops.zeros((batch, count, *ops.shape(x)[2:]), x.dtype)

    return ops.concatenate([zeros(before), x, zeros(length - before - own)], axis=1)
