"""From scores to weights, and from weights to what is read."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def softmax(scores: Any, mask: Any = None) -> Any:
    """a_qk = exp(e_qk) / sum_j exp(e_qj) over the keys that may be seen (Bahdanau et al. 2015, eq. 6).

    A row in which nothing may be seen gets zero weights, no NaN, and lets no gradient through, in every float type.
    Exponentials and their sum are taken in float32 where scores are 16 bits wide.

    Args:
        scores: (..., query_length, key_length) floats.
        mask: booleans broadcastable to `scores`, True = may look; None = all.

    Returns:
        Weights of the shape and dtype of `scores`.

    >>> import numpy as np
    >>> np.asarray(softmax(np.array([[0.0, 0.0, 9.0]], "float32"), np.array([[True, True, False]]))).tolist()
    [[0.5, 0.5, 0.0]]
    """
    wide = widened(scores)
    if mask is None:
        return ops.cast(ops.softmax(wide, axis=-1), scores.dtype)
    # The replaced score is finite, so that neither the maximum nor its gradient meets infinity.
    visible = ops.where(mask, wide, ops.cast(-1e30, wide.dtype))
    top = ops.stop_gradient(ops.max(visible, axis=-1, keepdims=True, initial=-float("inf")))
    exponential = ops.where(mask, ops.exp(visible - top), ops.zeros_like(visible))
    total = ops.sum(exponential, axis=-1, keepdims=True)
    return ops.cast(exponential / ops.where(total > 0, total, ops.ones_like(total)), scores.dtype)


def sparsemax(scores: Any, mask: Any = None) -> Any:
    """a_qk = max(e_qk - t_q, 0), with t_q such that they sum to one: the nearest point of the simplex.

    Keys that score far below the best get exactly zero. Arguments, result and masked rows are those of `softmax`.

    Source: Martins and Astudillo 2016, eq. 2-4 and algorithm 1.

    >>> import numpy as np
    >>> np.asarray(sparsemax(np.array([[1.0, 0.5, -1.0]], "float32"))).tolist()
    [[0.75, 0.25, 0.0]]
    """
    wide = widened(scores)
    may = ops.ones_like(wide, dtype="bool") if mask is None else ops.broadcast_to(mask, ops.shape(wide))
    visible = ops.where(may, wide, ops.cast(-1e30, wide.dtype))
    top = ops.stop_gradient(ops.max(visible, axis=-1, keepdims=True, initial=-float("inf")))
    # Subtracting from all changes nothing; nobody who scores 1 below the best gets any weight, so 2 below is hidden,
    # and what is farther below is counted as that: minus infinity would be no number in a sum.
    z = ops.where(may, wide - top, ops.cast(-2.0, wide.dtype))
    z_sorted = ops.flip(ops.sort(ops.stop_gradient(ops.maximum(z, -2.0)), axis=-1), axis=-1)
    rank = ops.cast(1 + ops.arange(ops.shape(z)[-1]), wide.dtype)
    kept = ops.cast(1 + rank * z_sorted > ops.cumsum(z_sorted, axis=-1), wide.dtype)
    count = ops.sum(kept, axis=-1, keepdims=True)  # k(z), at least 1
    threshold = (ops.sum(kept * z_sorted, axis=-1, keepdims=True) - 1) / count
    # Once more for those above it, so that the gradient is that of eq. 9.
    above = ops.logical_and(z > threshold, may)
    size = ops.maximum(ops.sum(ops.cast(above, wide.dtype), axis=-1, keepdims=True), 1)
    threshold = (ops.sum(ops.where(above, z, ops.zeros_like(z)), axis=-1, keepdims=True) - 1) / size
    return ops.cast(ops.where(above, z - threshold, ops.zeros_like(z)), scores.dtype)


def top_k(scores: Any, k: int, mask: Any = None) -> Any:
    """The softmax over the k best of the keys that may be seen; all others get zero.

    Keys that score the same as the k-th best are kept too. Other arguments, result and masked rows are those of
    `softmax`.

    Source: Gupta et al. 2021, "Memory-efficient Transformers via Top-k Attention", section 2.

    >>> import numpy as np
    >>> np.asarray(top_k(np.array([[1.0, 2.0, 0.0, 2.0]], "float32"), 2)).tolist()
    [[0.0, 0.5, 0.0, 0.5]]
    """
    wide = widened(ops.stop_gradient(scores))
    visible = wide if mask is None else ops.where(mask, wide, ops.cast(-1e30, wide.dtype))
    length = ops.shape(scores)[-1]
    kth = ops.take(ops.sort(visible, axis=-1), ops.maximum(length - k, 0), axis=-1)
    best = visible >= ops.expand_dims(kth, -1)
    return softmax(scores, best if mask is None else ops.logical_and(best, mask))


def sigmoid(scores: Any, mask: Any = None) -> Any:
    """a_qk = 1 / (1 + exp(-(e_qk - log n))), n the number of keys that may be seen: each key on its own.

    Weights need not sum to one; -log n makes their sum about one while scores are near zero. Arguments, result and
    masked rows are those of `softmax`.

    Source: Ramapuram et al. 2024, "Theory, Analysis, and Best Practices for Sigmoid Self-Attention", eq. 3 and
    section 4.

    >>> import numpy as np
    >>> np.asarray(sigmoid(np.zeros((1, 3), "float32"), np.array([[True, False, False]]))).tolist()
    [[0.5, 0.0, 0.0]]
    """
    wide = widened(scores)
    if mask is None:
        return ops.cast(ops.sigmoid(wide - ops.log(ops.cast(ops.shape(scores)[-1], wide.dtype))), scores.dtype)
    may = ops.broadcast_to(mask, ops.shape(wide))
    count = ops.sum(ops.cast(may, wide.dtype), axis=-1, keepdims=True)
    weights = ops.sigmoid(ops.where(may, wide, ops.zeros_like(wide)) - ops.log(ops.maximum(count, 1)))
    return ops.cast(ops.where(may, weights, ops.zeros_like(weights)), scores.dtype)


def widened(scores: Any) -> Any:
    """The scores in at least 32 bits."""
    narrow = keras.backend.standardize_dtype(scores.dtype) in ("float16", "bfloat16")
    return ops.cast(scores, "float32") if narrow else scores


def read(weights: Any, value: Any) -> Any:
    """c_q = sum_k a_qk value_k (Bahdanau et al. 2015, eq. 5).

    Args:
        weights: (batch, query_length, key_length).
        value: (batch, key_length, features).

    Returns:
        Context (batch, query_length, features).
    """
    return ops.matmul(weights, value)
