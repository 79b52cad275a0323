"""Squeeze-and-excitation: each channel is turned up or down by what all channels hold on average."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_gate import ImageGate


@keras.saving.register_keras_serializable("keras_attn")
class SqueezeExcitation(ImageGate):
    """s = sigmoid(W_2 relu(W_1 z)) with z_c = mean over all pixels of u_c; x~_c = s_c u_c.

        U (height, width, C) -- mean --> z (C) -- W_1, relu --> (C / r) -- W_2, sigmoid --> s (C)

    Call arguments and returns are those of `ImageGate`; the gates are s, (batch, 1, 1, channels).

    Args:
        reduction: r; the width between W_1 and W_2 is C / r, rounded down, at least 1.
        use_bias: adds biases. Without, as the authors found better in residual nets, there are 2 C^2 / r weights.
        data_format: see `ImageLayer`.

    Source: Hu et al. 2018, "Squeeze-and-Excitation Networks", eq. 2-4; on biases the journal version of 2019.
    """

    def __init__(self, reduction: int = 16, use_bias: bool = False, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        expect(reduction >= 1, "reduction", "at least 1", reduction)
        self.reduction, self.use_bias = reduction, use_bias

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        width = max(channels // self.reduction, 1)
        shared: dict[str, Any] = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        self.w_1 = keras.layers.Dense(width, activation="relu", **shared, name="w_1")
        self.w_2 = keras.layers.Dense(channels, activation="sigmoid", **shared, name="w_2")
        self.w_1.build((None, 1, 1, channels))
        self.w_2.build((None, 1, 1, width))
        self.built = True

    def gates(self, inputs: Any) -> Any:
        z = ops.mean(inputs, axis=(1, 2), keepdims=True)  # (batch, 1, 1, channels)
        return self.w_2(self.w_1(z))  # (batch, 1, 1, channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "reduction": self.reduction, "use_bias": self.use_bias}
