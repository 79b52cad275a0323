"""The soft mask branch: down to see much, up to say where."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_layer import ImageLayer
from keras_attn.layers.vision.residual_unit import ResidualUnit
from keras_attn.ops.interpolation import bilinear


@keras.saving.register_keras_serializable("keras_attn")
class SoftMaskBranch(ImageLayer):
    """M(x) = sigmoid(conv1x1(conv1x1(up(down(x))))), as large as x, for any height and width.

        x ----------------------------------------------------> size of x -- 1x1 -- 1x1 -- sigmoid -- M(x)
          \\ max pool, units                      bilinear, units /
            half ---------- residual unit --------- + half
              \\ max pool, units        bilinear, units /
                quarter ---------------------------

    Pooling halves rounding up, and interpolation goes back to the very size it came from, odd sizes too. Each
    convolution follows normalization and relu, as in the residual units: two linear layers in a row would be one.

    Args:
        depth: how many times the image is halved. In the paper 3, 2, 1 for images of side 56, 28, 14.
        units: r, the residual units at each size on the way down, and on the way up.
        reduction: of each `ResidualUnit`.
        data_format: see `ImageLayer`.

    Call arguments:
        inputs: x, (batch, height, width, channels).
        training: passed to the normalizations.

    Returns:
        M(x) in (0, 1), (batch, height, width, channels).

    Source: Wang et al. 2017, "Residual Attention Network for Image Classification", section 3.2 and figure 2.
    """

    def __init__(
        self, depth: int = 2, units: int = 1, reduction: int = 4, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(data_format, **kwargs)
        expect(depth >= 1, "depth", "at least 1", depth)
        expect(units >= 1, "units", "at least 1", units)
        self.depth, self.units, self.reduction = depth, units, reduction
        shared: dict[str, Any] = {"data_format": self.data_format, "dtype": self.dtype_policy}
        self.pool = keras.layers.MaxPooling2D(3, strides=2, padding="same", **shared)

        def residuals(way: str, count: int) -> list[ResidualUnit]:
            return [ResidualUnit(reduction, **shared, name=f"{way}_{i}") for i in range(count)]

        # Flat, the units of one size in a row: Keras saves no weights out of nested lists.
        self.down, self.up = residuals("down", depth * units), residuals("up", depth * units)
        self.skip = residuals("skip", depth - 1)
        self.norms = [keras.layers.BatchNormalization(dtype=self.dtype_policy, name=f"norm_{i}") for i in range(2)]

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        shared: dict[str, Any] = {"data_format": self.data_format, "dtype": self.dtype_policy}
        self.convolutions = [keras.layers.Conv2D(channels, 1, **shared, name=f"convolution_{i}") for i in range(2)]
        anywhere = (None, None, None, channels)
        self.pool.built = True
        for part in [*self.down, *self.up, *self.skip, *self.norms, *self.convolutions]:
            part.build(anywhere)
        self.built = True

    def at(self, level: int, units: list[ResidualUnit]) -> list[ResidualUnit]:
        """Those of one way that work below pooling number `level`."""
        return units[level * self.units : (level + 1) * self.units]

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        self.check(inputs)
        ways, hidden = [], inputs  # what is kept of each size for the way up
        for level in range(self.depth):
            ways.append(hidden)
            hidden = self.pool(hidden)  # (batch, ceil(height / 2), ceil(width / 2), channels)
            for unit in self.at(level, self.down):
                hidden = unit(hidden, training=training)
        for level in reversed(range(self.depth)):
            for unit in self.at(level, self.up):
                hidden = unit(hidden, training=training)
            hidden = bilinear(hidden, *ops.shape(ways[level])[1:3])  # the size before that pooling
            if level > 0:
                hidden = hidden + self.skip[level - 1](ways[level], training=training)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            hidden = convolution(ops.relu(norm(hidden, training=training)))
        return ops.sigmoid(hidden)  # (batch, height, width, channels)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "depth": self.depth,
            "units": self.units,
            "reduction": self.reduction,
        }
