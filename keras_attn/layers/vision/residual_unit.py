"""The pre-activation residual unit, of which the residual attention network is made."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import expect
from keras_attn.layers.vision.image_layer import ImageLayer


@keras.saving.register_keras_serializable("keras_attn")
class ResidualUnit(ImageLayer):
    """x + F(x), F = three times batch normalization, relu, convolution: 1x1 to C / 4, 3x3, 1x1 back to C.

    Args:
        reduction: how many times narrower than C the 3x3 convolution works (at least one channel is left).
        data_format: see `ImageLayer`.

    Call arguments:
        inputs: (batch, height, width, channels).
        training: whether to normalize by the batch (True) or by the running mean and variance.

    Returns:
        (batch, height, width, channels).

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", full pre-activation, bottleneck form.
    """

    def __init__(self, reduction: int = 4, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        expect(reduction >= 1, "reduction", "at least 1", reduction)
        self.reduction = reduction
        self.norms = [keras.layers.BatchNormalization(dtype=self.dtype_policy, name=f"norm_{i}") for i in range(3)]

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        narrow = max(channels // self.reduction, 1)
        self.convolutions = [
            keras.layers.Conv2D(
                width,
                side,
                padding="same",
                use_bias=False,
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"convolution_{i}",
            )
            for i, (width, side) in enumerate([(narrow, 1), (narrow, 3), (channels, 1)])
        ]
        shape = tuple(inputs_shape)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            norm.build(shape)
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        self.check(inputs)
        hidden = inputs
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            hidden = convolution(keras.ops.relu(norm(hidden, training=training)))
        return inputs + hidden  # (batch, height, width, channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "reduction": self.reduction}
