"""How well a query and a key match: one number for each pair."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


def additive(query: Any, key: Any, v: Any) -> Any:
    """e_qk = v^T tanh(query_q + key_k), with query and key already projected.

    Args:
        query: W s, (batch, query_length, units).
        key: U h, (batch, key_length, units).
        v: (units,).

    Returns:
        Scores (batch, query_length, key_length).

    Source: Bahdanau et al. 2015, appendix A.1.2.
    """
    hidden = _hidden(query, key)
    return ops.squeeze(ops.matmul(hidden, ops.expand_dims(v, -1)), -1)  # (batch, query_length, key_length)


def tanh_sum(query: Any, key: Any) -> Any:
    """e_qk = sum_u tanh(query_q + key_k)_u: `additive` with v = 1."""
    return ops.sum(_hidden(query, key), axis=-1)  # (batch, query_length, key_length)


def _hidden(query: Any, key: Any) -> Any:
    return ops.tanh(ops.expand_dims(query, 2) + ops.expand_dims(key, 1))  # (batch, query_length, key_length, units)


def dot(query: Any, key: Any) -> Any:
    """e_qk = query_q . key_k.

    Args:
        query: (batch, query_length, features).
        key: (batch, key_length, features).

    Returns:
        Scores (batch, query_length, key_length).

    Source: Luong et al. 2015, section 3.1.
    """
    return ops.matmul(query, ops.transpose(key, (0, 2, 1)))  # (batch, query_length, key_length)


def scaled_dot(query: Any, key: Any) -> Any:
    """e_qk = query_q . key_k / sqrt(features), of the order of 1 when the parts of both are.

    Arguments and result are those of `dot`. Source: Vaswani et al. 2017, eq. 1.
    """
    return dot(query / math.sqrt(query.shape[-1]), key)


def unit(vector: Any) -> Any:
    """x / |x|, a vector of length one in the same direction; zero for zero, in every float type.

    Args:
        vector: (..., features).

    >>> import numpy as np
    >>> np.round(np.asarray(unit(np.array([[3.0, 4.0], [0.0, 0.0]], "float32"))), 6).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    # A square of float16 may overflow, and 1e-12 be zero in it.
    wide = vector if keras.backend.standardize_dtype(vector.dtype) == "float64" else ops.cast(vector, "float32")
    squares = ops.sum(ops.square(wide), axis=-1, keepdims=True)
    # A zero vector has no direction, and no gradient either: that of x / 1e-12 would be 1e12.
    shrink = ops.where(squares > 1e-24, ops.rsqrt(ops.maximum(squares, 1e-24)), ops.zeros_like(squares))
    return ops.cast(wide * shrink, vector.dtype)
