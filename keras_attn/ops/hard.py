"""One key instead of a mixture: drawing it, and what the draw was worth."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.ops.weights import softmax, widened


def gumbel(shape: Any, seed: Any, dtype: str = "float32") -> Any:
    """Gumbel noise g = -log(-log u), u uniform on (0, 1).

    Args:
        shape: of the noise.
        seed: a `keras.random.SeedGenerator`.
        dtype: float32 or float64.

    Source: Jang et al. 2017, eq. 1.
    """
    uniform = keras.random.uniform(shape, 1e-20, 1.0, dtype=dtype, seed=seed)  # log 0 would be infinite
    return -ops.log(-ops.log(uniform))


def perturbed(scores: Any, seed: Any) -> Any:
    """e + g with Gumbel noise g: its argmax is a draw from softmax(e).

    Args:
        scores: (...,) floats.
        seed: a `keras.random.SeedGenerator`.

    Returns:
        Scores of the same shape, in at least 32 bits.

    Source: Jang et al. 2017, eq. 1.
    """
    wide = widened(scores)
    return wide + gumbel(ops.shape(wide), seed, keras.backend.standardize_dtype(wide.dtype))


def one_hot(scores: Any, mask: Any = None) -> Any:
    """a_qk = 1 for the best of the keys that may be seen, 0 for all others; no gradient passes.

    Args:
        scores: (..., query_length, key_length) floats.
        mask: booleans broadcastable to `scores`, True = may look; None = all. Rows that may see nothing are zero.

    Returns:
        Weights of the shape and dtype of `scores`.

    >>> import numpy as np
    >>> np.asarray(one_hot(np.array([[0.0, 2.0, 9.0]], "float32"), np.array([[True, True, False]]))).tolist()
    [[0.0, 1.0, 0.0]]
    """
    visible = scores if mask is None else ops.where(mask, scores, ops.cast(-float("inf"), scores.dtype))
    chosen = ops.one_hot(ops.argmax(visible, axis=-1), ops.shape(scores)[-1], dtype=scores.dtype)
    return ops.stop_gradient(chosen if mask is None else ops.where(mask, chosen, ops.zeros_like(chosen)))


def straight_through(scores: Any, mask: Any = None, temperature: float = 1.0) -> Any:
    """`one_hot` forward, with the gradient of softmax(e / temperature).

    Arguments and result are those of `one_hot`.

    Source: Jang et al. 2017, section 2.2; Bengio et al. 2013.
    """
    wide = widened(scores)
    soft = softmax(wide / temperature, mask)
    # soft - soft is exactly zero, so the weights are exactly one-hot.
    return ops.cast(one_hot(wide, mask) + (soft - ops.stop_gradient(soft)), scores.dtype)


def log_softmax(scores: Any, mask: Any = None) -> Any:
    """log a_qk of `softmax`, and 0 (not minus infinity) where nothing may be seen.

    Args:
        scores, mask: as for `one_hot`.

    Returns:
        Logarithms of the shape of `scores`, in at least 32 bits.
    """
    wide = widened(scores)
    if mask is None:
        return ops.log_softmax(wide, axis=-1)
    zeros = ops.zeros_like(wide)
    visible = ops.where(mask, wide, ops.cast(-1e30, wide.dtype))
    shifted = ops.where(
        mask, wide - ops.stop_gradient(ops.max(visible, axis=-1, keepdims=True, initial=-float("inf"))), zeros
    )
    total = ops.sum(ops.where(mask, ops.exp(shifted), zeros), axis=-1, keepdims=True)
    return ops.where(mask, shifted - ops.log(ops.where(total > 0, total, ops.ones_like(total))), zeros)


def entropy(scores: Any, mask: Any = None) -> Any:
    """H = -sum_k a_qk log a_qk, in nats, of a = softmax(scores) over what may be seen; 0 where that is nothing.

    Args:
        scores, mask: as for `one_hot`.

    Returns:
        (..., query_length), in at least 32 bits.

    >>> import numpy as np
    >>> round(float(entropy(np.zeros((1, 2), "float32"))[0]), 6)
    0.693147
    """
    log = log_softmax(scores, mask)
    weights = ops.exp(log)
    if mask is not None:
        weights = ops.where(mask, weights, ops.zeros_like(weights))
    return -ops.sum(weights * log, axis=-1)
