"""A window whose center is predicted from the query."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.window.window import Window
from keras_attn.ops import windows


@keras.saving.register_keras_serializable("keras_attn")
class LocalPredictiveWindow(Window):
    """p_t = S sigmoid(v_p^T tanh(W_p h_t)), and weights fade with exp(-(s - p_t)^2 / (2 sigma^2)), sigma = D / 2.

    The Gaussian is what teaches p_t, as a window's rim passes no gradient. Weights need not sum to one ("local-p").

    Args:
        width: D, how many keys on each side of the center may be seen.
        units: width of the hidden layer of the prediction.

    Call arguments and result are those of `Window`; S is `count`.

    Source: Luong et al. 2015, section 3.2, eq. 9-10.
    """

    def __init__(self, width: int, units: int, **kwargs: Any):
        super().__init__(width, **kwargs)
        expect(units >= 1, "units", "at least 1", units)
        self.units = units
        self.hidden = keras.layers.Dense(
            units, activation="tanh", use_bias=False, dtype=self.dtype_policy, name="hidden"
        )

    def build(self, query_shape: Any, *_: Any) -> None:
        self.hidden.build(query_shape)
        self.v_p = self.add_weight(shape=(self.units,), initializer="glorot_uniform", name="v_p")
        self.built = True

    def call(self, query: Any, query_position: Any, count: Any) -> Any:
        height = ops.matmul(self.hidden(query), ops.expand_dims(self.v_p, -1))[..., 0]  # (batch, query_length)
        return ops.cast(count, self.wide) * ops.sigmoid(ops.cast(height, self.wide))

    def fade(self, weights: Any, center: Any) -> Any:
        near = windows.gaussian(center, self.width, ops.shape(weights)[-1])
        return weights * ops.cast(near, weights.dtype)

    def compute_output_spec(self, query: Any, query_position: Any, count: Any) -> Any:
        return keras.KerasTensor(query.shape[:2], dtype=self.wide)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
