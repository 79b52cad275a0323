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
    dtype = scores.dtype
    narrow = keras.backend.standardize_dtype(dtype) in ("float16", "bfloat16")
    wide = ops.cast(scores, "float32") if narrow else scores
    if mask is None:
        weights = ops.softmax(wide, axis=-1)
        return ops.cast(weights, dtype) if narrow else weights
    # The replaced score is finite, so that neither the maximum nor its gradient meets infinity.
    visible = ops.where(mask, wide, ops.cast(-1e30, wide.dtype))
    top = ops.stop_gradient(ops.max(visible, axis=-1, keepdims=True))
    exponential = ops.where(mask, ops.exp(visible - top), ops.zeros_like(visible))
    total = ops.sum(exponential, axis=-1, keepdims=True)
    weights = exponential / ops.where(total > 0, total, ops.ones_like(total))
    return ops.cast(weights, dtype) if narrow else weights


def read(weights: Any, value: Any) -> Any:
    """c_q = sum_k a_qk value_k (Bahdanau et al. 2015, eq. 5).

    Args:
        weights: (batch, query_length, key_length).
        value: (batch, key_length, features).

    Returns:
        Context (batch, query_length, features).
    """
    return ops.matmul(weights, value)
