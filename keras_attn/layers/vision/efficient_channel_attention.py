"""Efficient channel attention: a channel's gate depends on its neighbors only, by one small kernel."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_gate import ImageGate


def adaptive_kernel_size(channels: int, gamma: float = 2, b: float = 1) -> int:
    """k = |log2(C) / gamma + b / gamma|_odd, the nearest odd number (a tie goes up, as in the paper's listing).

    >>> [adaptive_kernel_size(channels) for channels in (64, 128, 256, 512, 1024, 2048)]
    [3, 5, 5, 5, 5, 7]
    """
    return 2 * (int(abs(math.log2(channels) + b) / gamma) // 2) + 1


@keras.saving.register_keras_serializable("keras_attn")
class EfficientChannelAttention(ImageGate):
    """w = sigmoid(conv1d_k(z)) with z_c = mean over all pixels of channel c; x~_c = w_c x_c.

        z:  z_1  z_2  z_3  z_4  z_5        one kernel of k weights slides over the channels;
                 \\    |    /               beyond the first and the last there are zeros
                     w_3

    Neighbors in the order of the channels are what the kernel sees; nothing else gives that order a meaning, so the
    layers before learn to fit it. Call arguments and returns are those of `ImageGate`; the gates are w,
    (batch, 1, 1, channels).

    Args:
        kernel_size: k, odd; None chooses it by `adaptive_kernel_size(channels, gamma, b)`.
        gamma, b: of that choice.
        data_format: see `ImageLayer`.

    Source: Wang et al. 2020, "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks", eq. 9
    (gates), 12 (kernel size, gamma = 2, b = 1). k weights, no bias.
    """

    def __init__(
        self,
        kernel_size: int | None = None,
        gamma: float = 2,
        b: float = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        expect(kernel_size is None or kernel_size % 2 == 1, "kernel_size", "an odd number or None", kernel_size)
        expect(gamma > 0, "gamma", "above 0", gamma)
        self.kernel_size, self.gamma, self.b = kernel_size, gamma, b

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        size = self.kernel_size or adaptive_kernel_size(channels, self.gamma, self.b)
        self.convolution = keras.layers.Conv1D(
            1,
            size,
            padding="same",
            use_bias=False,
            activation="sigmoid",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.convolution.build((None, channels, 1))
        self.built = True

    def gates(self, inputs: Any) -> Any:
        z = ops.expand_dims(ops.mean(inputs, axis=(1, 2)), 2)  # (batch, channels, 1)
        return ops.expand_dims(ops.transpose(self.convolution(z), (0, 2, 1)), 1)  # (batch, 1, 1, channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "kernel_size": self.kernel_size, "gamma": self.gamma, "b": self.b}
