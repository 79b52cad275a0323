"""Keys and values of all layers that read a memory, made at once."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import heads as head_ops


@keras.saving.register_keras_serializable("keras_attn")
class MemoryHeads(keras.layers.Layer):
    """K_l = X W_l^K, V_l = X W_l^V + b_l, for each decoder layer l, as one matrix product.

    What a decoder looks up stays the same at every step, so this is done once for each source. Keys have no bias: it
    would add the same number to all scores of a query; and none is turned, so no rotary positions read it.

    Args:
        layers: how many layers read.
        heads: of each.
        head_dim: width of one head's key.
        value_dim: width of one head's value; `head_dim` if None.
        use_bias: whether values get a bias.

    Call arguments:
        x: (batch, key_length, features).

    Returns:
        For each layer `{"key": (batch, heads, key_length, head_dim), "value": (batch, heads, key_length, value_dim)}`,
        the memory that `HeadAttention.read` takes.

    Source: Vaswani et al. 2017, section 3.2.3.
    """

    def __init__(
        self,
        layers: int,
        heads: int,
        head_dim: int,
        value_dim: int | None = None,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, size in {"layers": layers, "heads": heads, "head_dim": head_dim, "value_dim": value_dim}.items():
            expect(size is None or size >= 1, name, "at least 1", size)
        self.layers = layers
        self.heads = heads
        self.head_dim = head_dim
        self.value_dim = value_dim or head_dim
        self.use_bias = use_bias
        self.supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        return None

    def build(self, x_shape: Any) -> None:
        features = x_shape[-1]
        # Each of the matrices side by side is drawn as Glorot's; Keras would count the outputs of all of them.
        self.key_kernel = self._kernel("key", features, self.head_dim)
        self.value_kernel = self._kernel("value", features, self.value_dim)
        if self.use_bias:
            size = self.layers * self.heads * self.value_dim
            self.value_bias = self.add_weight(shape=(size,), initializer="zeros", name="value_bias")
        self.built = True

    def _kernel(self, name: str, features: int, width: int) -> Any:
        limit = math.sqrt(6 / (features + self.heads * width))
        initializer = keras.initializers.RandomUniform(-limit, limit)
        shape = (features, self.layers * self.heads * width)
        return self.add_weight(shape=shape, initializer=initializer, name=name)

    def call(self, x: Any) -> list[dict[str, Any]]:
        flat = ops.reshape(x, (-1, x.shape[-1]))
        keys = ops.matmul(flat, self.key_kernel)  # (batch * key_length, layers * heads * head_dim)
        values = ops.matmul(flat, self.value_kernel)
        values = values + self.value_bias if self.use_bias else values
        return [
            {"key": key, "value": value}
            for key, value in zip(
                self._apart(x, keys, self.head_dim), self._apart(x, values, self.value_dim), strict=True
            )
        ]

    def _apart(self, x: Any, all_layers: Any, width: int) -> list[Any]:
        batch, length = ops.shape(x)[:2]
        pieces = ops.split(all_layers, self.layers, axis=-1)
        return [head_ops.first(ops.reshape(piece, (batch, length, self.heads, width))) for piece in pieces]

    def compute_output_spec(self, x: Any) -> list[dict[str, Any]]:
        widths = {"key": self.head_dim, "value": self.value_dim}
        return [
            {
                name: keras.KerasTensor((x.shape[0], self.heads, x.shape[1], width), dtype=self.compute_dtype)
                for name, width in widths.items()
            }
            for _ in range(self.layers)
        ]

    def get_config(self) -> dict:
        names = ("layers", "heads", "head_dim", "value_dim", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
