"""Rotary positions: queries and keys are turned by an angle that grows with their position."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import expect
from keras_attn.layers.positions.attention_positions import AttentionPositions
from keras_attn.ops import positions


@keras.saving.register_keras_serializable("keras_attn")
class RotaryPositions(AttentionPositions):
    """e_mn = (R_m W_q x_m) . (R_n W_k x_n), where R_m turns pair i by the angle m 10000^(-2i / d).

    Turning both by the same angle changes no dot product, so e_mn depends on where they stand by m - n only. Nothing
    is learned; `head_dim` must be even. Pairs are neighbors (2i, 2i + 1), as in the paper; code that pairs i with
    i + d / 2 has the same features in another order.

    Args:
        wavelength: the paper's 10000.

    Source: Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", eq. 14-16 and 34.
    """

    def __init__(self, wavelength: float = 10000.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.wavelength = wavelength

    def build(self, heads: int, head_dim: int, value_dim: int) -> None:
        expect(head_dim % 2 == 0, "head_dim", "an even number, as rotary positions turn pairs", head_dim)
        self.built = True

    def turn(self, x: Any, position: Any) -> Any:
        return positions.rotate(x, position, self.wavelength)  # (batch, length, heads, head_dim)

    def get_config(self) -> dict:
        return {**super().get_config(), "wavelength": self.wavelength}
