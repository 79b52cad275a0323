"""What all fusions have in common."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_attn")
class Fusion(keras.layers.Layer):
    """What a decoder makes of a vector x of its own and of the context c that it has read. A subclass says what.

    x is the embedded token, where the source is read before the step (`AttentionCell`), or the new state, where it is
    read after it (`LuongCell`).

    Call arguments:
        vector: x, (batch, features).
        context: c, (batch, context_features).

    Returns:
        (batch, `width(features, context_features)`).
    """

    def width(self, features: int, context_features: int) -> int:
        """Width of what comes out: that of x, unless a subclass says otherwise."""
        return features

    def build(self, vector_shape: Any, context_shape: Any) -> None:
        self.built = True

    def compute_output_shape(self, vector_shape: Any, context_shape: Any) -> tuple:
        return (*vector_shape[:-1], self.width(vector_shape[-1], context_shape[-1]))

    def get_config(self) -> dict:
        return super().get_config()  # said here, as Keras guesses none where `dtype` came as a `DTypePolicy`

    def dense(self, name: str, units: int, inputs: int, **more: Any) -> keras.layers.Layer:
        """A built Dense layer of this layer's dtype."""
        layer = keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **more)
        layer.build((None, inputs))
        return layer

    @staticmethod
    def joined(vector: Any, context: Any) -> Any:
        return ops.concatenate([vector, context], -1)
