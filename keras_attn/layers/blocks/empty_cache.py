"""The cache of a decoder that has written nothing yet."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect


@keras.saving.register_keras_serializable("keras_attn")
class EmptyCache(keras.layers.Layer):
    """Keys and values of no tokens, (batch, heads, 0, width), one pair for each layer.

    How many tokens will come is not known where the memory is made; `ops.memory.sized` makes room for them.

    Args:
        layers: how many layers keep keys and values.
        heads: of keys and values.
        head_dim: width of a head's key.
        value_dim: width of a head's value; `head_dim` if None.

    Call arguments:
        like: any tensor with the batch first.

    Returns:
        For each layer `{"key": (batch, heads, 0, head_dim), "value": (batch, heads, 0, value_dim)}`.
    """

    def __init__(self, layers: int, heads: int, head_dim: int, value_dim: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        for name, size in {"layers": layers, "heads": heads, "head_dim": head_dim, "value_dim": value_dim}.items():
            expect(size is None or size >= 1, name, "at least 1", size)
        self.layers = layers
        self.heads = heads
        self.head_dim = head_dim
        self.value_dim = value_dim or head_dim

    def call(self, like: Any) -> list[dict[str, Any]]:
        batch = ops.shape(like)[0]
        return [
            {name: ops.zeros((batch, self.heads, 0, width), self.compute_dtype) for name, width in self._widths()}
            for _ in range(self.layers)
        ]

    def compute_output_spec(self, like: Any) -> list[dict[str, Any]]:
        # The axis that is empty here and longer in a search has no known length.
        return [
            {
                name: keras.KerasTensor((like.shape[0], self.heads, None, width), dtype=self.compute_dtype)
                for name, width in self._widths()
            }
            for _ in range(self.layers)
        ]

    def _widths(self) -> list[tuple[str, int]]:
        return [("key", self.head_dim), ("value", self.value_dim)]

    def get_config(self) -> dict:
        names = ("layers", "heads", "head_dim", "value_dim")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
