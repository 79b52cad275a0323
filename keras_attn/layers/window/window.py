"""What all windows have in common."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import expect
from keras_attn.ops import windows


@keras.saving.register_keras_serializable("keras_attn")
class Window(keras.layers.Layer):
    """Only keys in [p_q - D, p_q + D] are looked at. A subclass says where the center p is, in `call`.

    Args:
        width: D, how many keys on each side of the center may be seen.

    Call arguments:
        query: (batch, query_length, query_features).
        query_position: (query_length,) or (batch, query_length) integers from 0: the number of the output's token.
        count: (1 or batch, 1 or query_length), how many keys may be seen without the window. Padding stands behind
            them: positions are counted from the first key.

    Returns:
        p, (batch, query_length) or (1, query_length), float64 where the layer computes in it, else float32.
    """

    def __init__(self, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        expect(width >= 1, "width", "at least 1 key on each side", width)
        self.width = width
        self.supports_masking = True

    @property
    def wide(self) -> str:
        """The dtype of positions: 16 bits would be off by several keys."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def visible(self, center: Any, key_length: Any) -> Any:
        """(batch, query_length, key_length) booleans, True inside the window."""
        return windows.within(center, self.width, key_length)

    def fade(self, weights: Any, center: Any) -> Any:
        """What becomes of the weights inside: nothing, unless a subclass says so."""
        return weights

    def get_config(self) -> dict:
        return {**super().get_config(), "width": self.width}
