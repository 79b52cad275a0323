"""Vectors of length one."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class UnitVector(keras.layers.Layer):
    """x / |x| over the last dimension; zero for zero, in every float type (`keras.layers.UnitNormalization` gives
    NaN for a zero in float16).

    Call arguments:
        inputs: (..., features).
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return scores.unit(inputs)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict:
        return super().get_config()  # said here, as Keras guesses none where `dtype` came as a `DTypePolicy`
