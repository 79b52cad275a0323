"""The convolutional block attention module: first what to look at, then where."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.vision.channel_attention import ChannelAttention
from keras_attn.layers.vision.image_layer import ImageLayer
from keras_attn.layers.vision.spatial_attention import SpatialAttention


@keras.saving.register_keras_serializable("keras_attn")
class CBAM(ImageLayer):
    """F' = M_c(F) * F, F'' = M_s(F') * F': channel attention, then spatial attention over what it left.

    The paper puts it after the last convolution of a residual block, before the addition.

    Args:
        reduction: of `ChannelAttention`.
        kernel_size: of `SpatialAttention`.
        data_format: see `ImageLayer`.

    Call arguments:
        inputs: F, (batch, height, width, channels).
        return_attention_scores: also return the gates.

    Returns:
        F'' (batch, height, width, channels); with `return_attention_scores` also
        `{"channel": (batch, 1, 1, channels), "spatial": (batch, height, width, 1)}`.

    Source: Woo et al. 2018, "CBAM: Convolutional Block Attention Module", eq. 1 and section 3, on the arrangement.
    """

    def __init__(self, reduction: int = 16, kernel_size: int = 7, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        shared: dict[str, Any] = {"data_format": self.data_format, "dtype": self.dtype_policy}
        self.reduction, self.kernel_size = reduction, kernel_size
        self.channel = ChannelAttention(reduction, **shared, name="channel")
        self.spatial = SpatialAttention(kernel_size, **shared, name="spatial")

    def build(self, inputs_shape: Any) -> None:
        self.channel.build(inputs_shape)
        self.spatial.build(inputs_shape)
        self.built = True

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        what, channel = self.channel(inputs, return_attention_scores=True)
        where, spatial = self.spatial(what, return_attention_scores=True)
        return (where, {"channel": channel, "spatial": spatial}) if return_attention_scores else where

    def scores_spec(self, inputs_shape: Any) -> Any:
        return {"channel": self.channel.scores_spec(inputs_shape), "spatial": self.spatial.scores_spec(inputs_shape)}

    def get_config(self) -> dict:
        return {**super().get_config(), "reduction": self.reduction, "kernel_size": self.kernel_size}
