"""What weights are charged for beside the task: terms of a loss."""

from __future__ import annotations

from typing import Any

from keras import ops


def redundancy(weights: Any) -> Any:
    """P = ||A A^T - I||_F^2: rows that look at the same keys, and rows that spread, cost (Lin et al. 2017, eq. 8).

    It is taken in float32 where weights are 16 bits wide, as a sum of squares.

    Args:
        weights: A, (batch, rows, key_length).

    Returns:
        (batch,) floats, 0 where every row looks at one key of its own.

    >>> import numpy as np
    >>> np.asarray(redundancy(np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]))).tolist()
    [2.0, 0.0]
    """
    wide = ops.cast(weights, "float64" if ops.dtype(weights) == "float64" else "float32")
    overlap = ops.matmul(wide, ops.transpose(wide, (0, 2, 1)))  # (batch, rows, rows)
    return ops.sum(ops.square(overlap - ops.eye(overlap.shape[-1], dtype=overlap.dtype)), axis=(1, 2))
