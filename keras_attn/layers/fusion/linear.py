"""Side by side, then a linear layer: `attn_combine`."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.fusion.fusion import Fusion


@keras.saving.register_keras_serializable("keras_attn")
class LinearFusion(Fusion):
    """W [x; c] + b, as wide as x.

    Args:
        activation: what follows; the tutorial has "relu" before its GRU.

    Call arguments and result are those of `Fusion`.

    Source: `attn_combine` of Robertson, "Translation with a Sequence to Sequence Network and Attention", PyTorch
    tutorials 2017.
    """

    def __init__(self, activation: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def build(self, vector_shape: Any, context_shape: Any) -> None:
        inputs = vector_shape[-1] + context_shape[-1]
        self.combine = self.dense("combine", vector_shape[-1], inputs, activation=self.activation)
        self.built = True

    def call(self, vector: Any, context: Any) -> Any:
        return self.combine(self.joined(vector, context))

    def get_config(self) -> dict:
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}
