"""CBAM's channel attention: squeeze-and-excitation that also looks at each channel's maximum."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_gate import ImageGate


@keras.saving.register_keras_serializable("keras_attn")
class ChannelAttention(ImageGate):
    """M_c(F) = sigmoid(W_1 relu(W_0 F_avg) + W_1 relu(W_0 F_max)), over each channel's mean and maximum.

        F --+-- mean over pixels -- F_avg --+                    +--+
            |                               +-- the same MLP ----|+ |-- sigmoid -- M_c (C)
            +-- max over pixels --- F_max --+                    +--+

    Call arguments and returns are those of `ImageGate`; the gates are M_c, (batch, 1, 1, channels).

    Args:
        reduction: r; the width between W_0 and W_1 is C / r, rounded down, at least 1.
        use_bias: adds biases; the paper's equation has none, and 2 C^2 / r weights.
        data_format: see `ImageLayer`.

    Source: Woo et al. 2018, "CBAM: Convolutional Block Attention Module", eq. 2.
    """

    def __init__(self, reduction: int = 16, use_bias: bool = False, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        expect(reduction >= 1, "reduction", "at least 1", reduction)
        self.reduction, self.use_bias = reduction, use_bias

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        width = max(channels // self.reduction, 1)
        shared: dict[str, Any] = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        self.w_0 = keras.layers.Dense(width, activation="relu", **shared, name="w_0")
        self.w_1 = keras.layers.Dense(channels, **shared, name="w_1")
        self.w_0.build((None, 1, 1, channels))
        self.w_1.build((None, 1, 1, width))
        self.built = True

    def gates(self, inputs: Any) -> Any:
        mean = ops.mean(inputs, axis=(1, 2), keepdims=True)  # (batch, 1, 1, channels)
        top = ops.max(inputs, axis=(1, 2), keepdims=True)  # (batch, 1, 1, channels)
        return ops.sigmoid(self.w_1(self.w_0(mean)) + self.w_1(self.w_0(top)))  # (batch, 1, 1, channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "reduction": self.reduction, "use_bias": self.use_bias}
