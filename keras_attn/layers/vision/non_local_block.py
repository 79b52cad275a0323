"""The non-local block: self-attention among the pixels of an image."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.vision.image_layer import ImageLayer
from keras_attn.ops.weights import read, softmax


@keras.saving.register_keras_serializable("keras_attn")
class NonLocalBlock(ImageLayer):
    """z_i = W_z y_i + x_i with y_i = sum_j a_ij g(x_j), a_i = softmax_j(theta(x_i)^T phi(x_j)).

        x --+-- theta ---------- query --+
            +-- phi -- (pool) -- key ----+-- softmax -- a --+
            +-- g ---- (pool) -- value ---------------------+-- y -- W_z --+
            +--------------------------------------------------------------+ + -- z

    That is the embedded Gaussian; the other three pairwise functions of the paper are subclasses that change `weigh`.
    W_z starts as zero, so the block starts as the identity and fits into a trained net. theta, phi, g and W_z are 1x1
    convolutions without biases. The weights of all pairs are held: height^2 width^2 numbers for each image, a quarter
    with `subsample`.

    Args:
        units: width of theta, phi and g; None = half the channels, as in the paper.
        subsample: max-pools keys and values by 2x2 (rounding up), so that each pixel looks at a quarter of them.
        data_format: see `ImageLayer`.

    Call arguments:
        inputs: x, (batch, height, width, channels).
        return_attention_scores: also return the weights.

    Returns:
        z (batch, height, width, channels); with `return_attention_scores` also a, (batch, positions, key_positions),
        row by row: pixel (y, x) is position y width + x, and a row of weights reshaped to (height, width), or with
        `subsample` to half of both rounded up, is a picture of where that pixel looks.

    Source: Wang et al. 2018, "Non-local Neural Networks", eq. 1, 3, 6; section 3.3: width, sub-sampling, W_z = 0.
    Their nets get the same start from a batch normalization behind W_z whose scale is zero.
    """

    def __init__(
        self, units: int | None = None, subsample: bool = False, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(data_format, **kwargs)
        expect(units is None or units >= 1, "units", "at least 1, or None for half the channels", units)
        self.units, self.subsample = units, subsample
        self.pool = keras.layers.MaxPooling2D(
            2, padding="same", data_format=self.data_format, dtype=self.dtype_policy, name="pool"
        )

    def build(self, inputs_shape: Any) -> None:
        channels = self.channels_of(inputs_shape)
        units = self.units or max(channels // 2, 1)
        self.build_pair(units, channels)
        self.g = self.embedding("g", units, channels)
        self.w_z = self.embedding("w_z", channels, units, kernel_initializer="zeros")
        self.pool.built = True
        self.built = True

    def build_pair(self, units: int, channels: int) -> None:
        """Weights of the pairwise function."""
        self.theta = self.embedding("theta", units, channels)
        self.phi = self.embedding("phi", units, channels)

    def embedding(self, name: str, units: int, channels: int, **more: Any) -> keras.layers.Layer:
        """A built 1x1 convolution."""
        layer = keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy, name=name, **more)
        layer.build((None, None, None, channels))
        return layer

    def pair(self, inputs: Any) -> tuple[Any, Any]:
        """What is compared: images of queries and keys."""
        return self.theta(inputs), self.phi(inputs)

    def weigh(self, query: Any, key: Any) -> Any:
        """f(x_i, x_j) / C(x) from (batch, positions, units) and (batch, key_positions, units)."""
        return softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))))  # (batch, positions, key_positions)

    def rows(self, images: Any) -> Any:
        """All pixels of each image in one row."""
        batch, height, width, units = ops.shape(images)
        return ops.reshape(images, (batch, height * width, units))  # (batch, positions, units)

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        self.check(inputs)
        query, key = self.pair(inputs)
        value = self.g(inputs)  # (batch, height, width, units)
        if self.subsample:
            key, value = self.pool(key), self.pool(value)
        weights = self.weigh(self.rows(query), self.rows(key))  # (batch, positions, key_positions)
        y = read(weights, self.rows(value))  # (batch, positions, units)
        z = ops.reshape(self.w_z(y), ops.shape(inputs)) + inputs  # (batch, height, width, channels)
        return (z, weights) if return_attention_scores else z

    def scores_spec(self, inputs_shape: Any) -> Any:
        sides = inputs_shape[1:3]
        if None in sides:
            return self.symbol(inputs_shape[0], None, None)
        height, width = (-(-side // 2) if self.subsample else side for side in sides)
        return self.symbol(inputs_shape[0], sides[0] * sides[1], height * width)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units, "subsample": self.subsample}
