"""CBAM's spatial attention: each pixel is turned up or down by what is around it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_gate import ImageGate


@keras.saving.register_keras_serializable("keras_attn")
class SpatialAttention(ImageGate):
    """M_s(F) = sigmoid(f^{7x7}([F_avg; F_max])), over each pixel's mean and maximum of all channels.

        F --+-- mean over channels --+
            |                        +-- (height, width, 2) -- 7x7 convolution, sigmoid -- M_s (height, width)
            +-- max over channels ---+

    Call arguments and returns are those of `ImageGate`; the gates are M_s, (batch, height, width, 1).

    Args:
        kernel_size: side of the convolution's kernel, odd.
        use_bias: adds a bias; the paper's equation has none, and 2 x 7 x 7 = 98 weights.
        data_format: see `ImageLayer`.

    Source: Woo et al. 2018, "CBAM: Convolutional Block Attention Module", eq. 3.
    """

    gated = (1, 2)

    def __init__(self, kernel_size: int = 7, use_bias: bool = False, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        expect(kernel_size % 2 == 1, "kernel_size", "an odd number", kernel_size)
        self.kernel_size, self.use_bias = kernel_size, use_bias
        self.convolution = keras.layers.Conv2D(
            1,
            kernel_size,
            padding="same",
            use_bias=use_bias,
            activation="sigmoid",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, inputs_shape: Any) -> None:
        self.channels_of(inputs_shape)
        self.convolution.build((*inputs_shape[:3], 2))
        self.built = True

    def gates(self, inputs: Any) -> Any:
        mean = ops.mean(inputs, axis=3, keepdims=True)  # (batch, height, width, 1)
        top = ops.max(inputs, axis=3, keepdims=True)  # (batch, height, width, 1)
        return self.convolution(ops.concatenate([mean, top], 3))  # (batch, height, width, 1)

    def get_config(self) -> dict:
        return {**super().get_config(), "kernel_size": self.kernel_size, "use_bias": self.use_bias}
