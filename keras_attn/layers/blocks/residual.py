"""The way around a layer, with its normalization and its dropout."""

from __future__ import annotations

from typing import Any, Literal

import keras

from keras_attn.errors import one_of
from keras_attn.layers.dropout import Dropout

Norm = Literal["pre", "post"]


@keras.saving.register_keras_serializable("keras_attn")
class Residual(keras.layers.Layer):
    """pre: x + dropout(f(norm(x))); post: norm(x + dropout(f(x))).

        pre    x --+-- norm -- f -- dropout -- + --       post    x --+-- f -- dropout -- + -- norm --
                   +---------------------------+                      +-------------------+

    f may be anything, so it is not called from here: `f(residual.enter(x))` is, and then `residual(x, that)`. With
    "pre" the sum is never normalized, which lets deep stacks learn without warm-up; the stack then ends with one norm
    of its own.

    Args:
        norm: where the normalization is, "pre" or "post".
        dropout: share of what f puts out that is set to zero in training.
        epsilon: added to the variance.
        seed: of dropout.

    Call arguments:
        x: (batch, length, features).
        y: f(enter(x)), (batch, length, features).

    Source: He et al. 2016 (residuals); post: Vaswani et al. 2017, section 5.4; pre: Xiong et al. 2020, "On Layer
    Normalization in the Transformer Architecture", section 3.
    """

    def __init__(
        self, norm: Norm = "pre", dropout: float = 0.0, epsilon: float = 1e-6, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        one_of("norm", norm, ("pre", "post"))
        self.norm = norm
        self.dropout = dropout
        self.epsilon = epsilon
        self.seed = seed
        self.supports_masking = True
        self.normalize = keras.layers.LayerNormalization(epsilon=epsilon, dtype=self.dtype_policy, name="norm")
        self.drop = Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    def build(self, x_shape: Any, y_shape: Any = None) -> None:
        self.normalize.build(x_shape)
        self.built = True

    def enter(self, x: Any) -> Any:
        """What f is given, of the shape of `x`."""
        return self.normalize(x) if self.norm == "pre" else x

    def call(self, x: Any, y: Any, training: bool | None = None) -> Any:
        total = x + self.drop(y, training=training)  # (batch, length, features)
        return total if self.norm == "pre" else self.normalize(total)

    def compute_output_spec(self, x: Any, y: Any, training: bool | None = None) -> Any:
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict:
        names = ("norm", "dropout", "epsilon", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
