"""The network that every position goes through alone."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import expect, one_of
from keras_attn.layers.dropout import Dropout
from keras_attn.ops.reshaping import reshaped

Activation = Literal["relu", "gelu", "swiglu"]


@keras.saving.register_keras_serializable("keras_attn")
class FeedForward(keras.layers.Layer):
    """relu: max(0, x W_1 + b_1) W_2 + b_2; swiglu: (swish(x W) * x V) W_2.

    Args:
        hidden: width between the two matrices; with "swiglu" that of each of W and V, which have no biases.
        activation: "relu" (Vaswani), "gelu" (BERT, GPT) or "swiglu" (Llama).
        dropout: share of the hidden layer that is set to zero in training.
        seed: of dropout.

    Call arguments:
        x: (batch, length, features).

    Returns:
        (batch, length, features).

    Source: Vaswani et al. 2017, eq. 2; Hendrycks and Gimpel 2016 (GELU); Shazeer 2020, "GLU Variants Improve
    Transformer", eq. 6.
    """

    def __init__(
        self,
        hidden: int,
        activation: Activation = "relu",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        expect(hidden >= 1, "hidden", "at least 1", hidden)
        one_of("activation", activation, ("relu", "gelu", "swiglu"))
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.seed = seed
        self.supports_masking = True
        self.drop = Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    def build(self, x_shape: Any) -> None:
        gated = self.activation == "swiglu"
        self.widen = self._dense("widen", x_shape[-1], self.hidden, use_bias=not gated)
        self.gate = self._dense("gate", x_shape[-1], self.hidden, use_bias=False) if gated else None
        self.narrow = self._dense("narrow", self.hidden, x_shape[-1], use_bias=not gated)
        self.built = True

    def _dense(self, name: str, inputs: int, units: int, use_bias: bool) -> keras.layers.Dense:
        layer = keras.layers.Dense(units, use_bias=use_bias, dtype=self.dtype_policy, name=name)
        layer.build((None, inputs))
        return layer

    def call(self, x: Any, training: bool | None = None) -> Any:
        shape = ops.shape(x)
        flat = ops.reshape(x, (-1, shape[-1]))  # of a matrix, TensorFlow multiplies and adds the bias in one kernel
        hidden = self._activate(flat)  # (batch * length, hidden)
        return reshaped(self.narrow(self.drop(hidden, training=training)), shape)

    def _activate(self, x: Any) -> Any:
        if self.gate is not None:
            return ops.silu(self.gate(x)) * self.widen(x)
        x = self.widen(x)
        if self.activation == "relu":
            return ops.relu(x)
        return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))  # TensorFlow's own knows sqrt(2) in float32 only

    def compute_output_shape(self, x_shape: Any) -> Any:
        return x_shape

    def get_config(self) -> dict:
        names = ("hidden", "activation", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
