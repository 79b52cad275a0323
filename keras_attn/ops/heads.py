"""Attention with many heads at once: h heads of d numbers each, (batch, heads, length, d).

Heads come before the length: what a head looks up is one matrix, multiplied as it lies there. Keys and values may have
fewer heads than queries: then each group of query heads looks at the same keys (Ainslie et al. 2023), and no key is
copied for it.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def first(x: Any) -> Any:
    """(batch, length, heads, width) -> (batch, heads, length, width), and back."""
    return ops.transpose(x, (0, 2, 1, 3))


def scores(query: Any, key: Any, group: int = 1) -> Any:
    """e_hqk = query_hq . key_hk, the dot product of each head, unscaled.

    Args:
        query: (batch, heads, query_length, head_dim).
        key: (batch, key_heads, key_length, head_dim).
        group: heads / key_heads, how many query heads share a key head.

    Returns:
        Scores (batch, heads, query_length, key_length).

    Source: Vaswani et al. 2017, eq. 1; groups: Ainslie et al. 2023, section 2.2.
    """
    if group == 1:
        return _products(query, key)
    batch, heads, length, head_dim = ops.shape(query)
    query = ops.reshape(query, (batch, heads // group, group * length, head_dim))
    score = _products(query, key)  # (batch, key_heads, group * query_length, key_length)
    return ops.reshape(score, (batch, heads, length, ops.shape(key)[2]))


def _products(query: Any, key: Any) -> Any:
    # Not by letters b h q k, for which Keras turns the keys around, and so does the gradient.
    return ops.einsum("...qd,...kd->...qk", query, key)


def read(weights: Any, value: Any, group: int = 1) -> Any:
    """c_qh = sum_k a_hqk value_kh.

    Args:
        weights: (batch, heads, query_length, key_length).
        value: (batch, key_heads, key_length, value_dim).
        group: heads / key_heads.

    Returns:
        (batch, heads, query_length, value_dim).
    """
    if group == 1:
        return ops.matmul(weights, value)
    batch, heads, length, key_length = ops.shape(weights)
    weights = ops.reshape(weights, (batch, heads // group, group * length, key_length))
    return ops.reshape(ops.matmul(weights, value), (batch, heads, length, ops.shape(value)[-1]))


def softmax(scores: Any, mask: Any = None) -> Any:
    """The softmax over the keys that may be seen, in as few passes over the scores as there can be.

    A row in which nothing may be seen gets equal weights here: whoever calls it sets what comes of the row to zero,
    which is a smaller tensor than the weights are.

    Args:
        scores: (batch, heads, query_length, key_length), at least 32 bits wide.
        mask: booleans broadcastable to (batch, query_length, key_length), True = may look; None = all.
    """
    if scores.shape[-1] == 1:
        return ops.ones_like(scores)  # of one number Keras warns
    if mask is not None:
        # -1e30 is finite, and beside it no score matters: hidden keys get exactly zero.
        scores = scores + ops.expand_dims(ops.where(mask, 0.0, ops.cast(-1e30, scores.dtype)), 1)
    return ops.softmax(scores, axis=-1)


def widened(x: Any) -> Any:
    """In at least 32 bits."""
    narrow = keras.backend.standardize_dtype(x.dtype) in ("float16", "bfloat16")
    return ops.cast(x, "float32") if narrow else x
