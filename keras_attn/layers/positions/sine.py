"""Sinusoidal positions: a wave for each pair of features."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.ops import positions
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class SinePositions(keras.layers.Layer):
    """x_pos + PE_pos, with PE_(pos, 2i) = sin(pos / 10000^(2i / d)) and PE_(pos, 2i + 1) = cos(pos / 10000^(2i / d)).

    Nothing is learned, and any length works. Waves have the size of 1: the paper multiplies embeddings by sqrt(d)
    before.

    Args:
        wavelength: the paper's 10000.

    Call arguments:
        x: (batch, length, features).
        position: of the first token, an integer or a scalar integer tensor.

    Returns:
        (batch, length, features).

    Source: Vaswani et al. 2017, section 3.5.
    """

    def __init__(self, wavelength: float = 10000.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.wavelength = wavelength
        self.supports_masking = True

    def call(self, x: Any, position: Any = 0) -> Any:
        check(x, "batch length features", "x")
        place = ops.cast(position, "int32") + ops.arange(ops.shape(x)[1])  # (length,)
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        return x + ops.cast(positions.sine(place, x.shape[-1], self.wavelength, dtype), x.dtype)

    def compute_output_spec(self, x: Any, position: Any = 0) -> Any:
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "wavelength": self.wavelength}
