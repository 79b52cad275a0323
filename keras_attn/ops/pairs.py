"""Weights of pairs that are no distribution."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def mean_weights(scores: Any) -> Any:
    """a_qk = e_qk / N, N the number of keys: what is read is a mean over keys of e_qk value_k.

    Args:
        scores: (..., query_length, key_length) floats.

    Returns:
        The same shape and dtype.

    >>> import numpy as np
    >>> np.asarray(mean_weights(np.array([[1.0, -3.0]], "float32"))).tolist()
    [[0.5, -1.5]]

    Source: Wang et al. 2018, "Non-local Neural Networks", eq. 1 with C(x) = N.
    """
    # A number of keys over 65,504 is infinite in float16.
    wide = keras.backend.result_type(scores.dtype, "float32")
    return ops.cast(ops.cast(scores, wide) / ops.cast(ops.shape(scores)[-1], wide), scores.dtype)
