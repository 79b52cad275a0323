"""A sum with two learned shares."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.fusion.fusion import Fusion


@keras.saving.register_keras_serializable("keras_attn")
class WeightedSumFusion(Fusion):
    """(1 - s) x + s P c, with one learned share s = sigmoid(w), a half at the start.

    Call arguments and result are those of `Fusion`.
    """

    def build(self, vector_shape: Any, context_shape: Any) -> None:
        self.P = self.dense("P", vector_shape[-1], context_shape[-1], use_bias=False)
        self.w = self.add_weight(shape=(), initializer="zeros", name="w")
        self.built = True

    def call(self, vector: Any, context: Any) -> Any:
        share = ops.sigmoid(self.w)
        return (1 - share) * vector + share * self.P(context)
