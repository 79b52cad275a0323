"""The mean of those positions where there is something."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_attn")
class MaskedMean(keras.layers.Layer):
    """m = sum_t mask_t x_t / sum_t mask_t.

    Call arguments:
        x: (batch, length, features).
        mask: (batch, length) booleans, True where there is something; None = everywhere.

    Returns:
        (batch, features); zeros where nothing is.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        return None

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(x, axis=1)
        there = ops.expand_dims(ops.cast(mask, x.dtype), 2)  # (batch, length, 1)
        return ops.sum(x * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1)  # (batch, features)

    def compute_output_spec(self, x: Any, mask: Any = None) -> Any:
        return keras.KerasTensor((x.shape[0], x.shape[-1]), dtype=self.compute_dtype)
