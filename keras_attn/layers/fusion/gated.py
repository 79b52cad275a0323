"""A gate for each part decides between what is known and what was read."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.fusion.fusion import Fusion


@keras.saving.register_keras_serializable("keras_attn")
class GatedFusion(Fusion):
    """g * x + (1 - g) * P c, with g = sigmoid(W [x; c] + b), part by part.

    Call arguments and result are those of `Fusion`.

    Source: the context gate of Tu et al. 2017, "Context Gates for Neural Machine Translation", section 3.2 (gating
    both), for any two vectors.
    """

    def build(self, vector_shape: Any, context_shape: Any) -> None:
        inputs = vector_shape[-1] + context_shape[-1]
        self.gate = self.dense("gate", vector_shape[-1], inputs, activation="sigmoid")
        self.P = self.dense("P", vector_shape[-1], context_shape[-1], use_bias=False)
        self.built = True

    def call(self, vector: Any, context: Any) -> Any:
        gate = self.gate(self.joined(vector, context))  # (batch, features)
        return gate * vector + (1 - gate) * self.P(context)
