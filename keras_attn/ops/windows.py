"""A window over the keys around a center: who is in it, and how weights fade toward its rim."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def within(center: Any, width: int, key_length: Any) -> Any:
    """|s - p_q| <= D: the keys inside the window [p_q - D, p_q + D].

    Args:
        center: p, (batch, query_length), counted in keys from 0; need not be whole.
        width: D, keys on each side.
        key_length: number of keys.

    Returns:
        (batch, query_length, key_length) booleans.

    Source: Luong et al. 2015, section 3.2.

    >>> import numpy as np
    >>> np.asarray(within(np.array([[1.5]]), 1, 5)).astype(int).tolist()
    [[[0, 1, 1, 0, 0]]]
    """
    return ops.abs(_distance(center, key_length)) <= width


def gaussian(center: Any, width: int, key_length: Any) -> Any:
    """exp(-(s - p_q)^2 / (2 sigma^2)) with sigma = D / 2: one at the center, 0.14 at the rim.

    Arguments are those of `within`. Returns (batch, query_length, key_length), float64 where the center is, else
    float32.

    Source: Luong et al. 2015, eq. 10.
    """
    sigma = width / 2
    return ops.exp(-ops.square(_distance(center, key_length)) / (2 * sigma**2))


def _distance(center: Any, key_length: Any) -> Any:
    # Whatever the compute dtype, positions are counted in 32 bits or more: bfloat16 is exact up to 256 only.
    dtype = "float64" if keras.backend.standardize_dtype(center.dtype) == "float64" else "float32"
    key_position = ops.cast(ops.arange(key_length), dtype)
    return key_position - ops.expand_dims(ops.cast(center, dtype), -1)  # (batch, query_length, key_length)
