"""Luong's attentional vector."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.fusion.fusion import Fusion


@keras.saving.register_keras_serializable("keras_attn")
class AttentionalFusion(Fusion):
    """h~ = tanh(W_c [c; h]), as wide as h.

    Call arguments and result are those of `Fusion`. There is no bias.

    Source: Luong et al. 2015, eq. 5.
    """

    def build(self, vector_shape: Any, context_shape: Any) -> None:
        inputs = vector_shape[-1] + context_shape[-1]
        self.W_c = self.dense("W_c", vector_shape[-1], inputs, activation="tanh", use_bias=False)
        self.built = True

    def call(self, vector: Any, context: Any) -> Any:
        return self.W_c(self.joined(context, vector))
