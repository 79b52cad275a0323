"""The non-local block that compares two pixels by one weight vector over both."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.vision.non_local_block import NonLocalBlock
from keras_attn.ops.pairs import mean_weights


@keras.saving.register_keras_serializable("keras_attn")
class ConcatenationNonLocalBlock(NonLocalBlock):
    """a_ij = relu(w_f^T [theta(x_i), phi(x_j)]) / N, N the number of positions looked at; the rest is `NonLocalBlock`.

    Weights are not negative and do not sum to one.

    Source: Wang et al. 2018, "Non-local Neural Networks", eq. 5; C(x) = N.
    """

    def build_pair(self, units: int, channels: int) -> None:
        super().build_pair(units, channels)
        self.w_f = self.add_weight(shape=(2 * units, 1), initializer="glorot_uniform", name="w_f")

    def weigh(self, query: Any, key: Any) -> Any:
        # A product with both side by side is the sum of two products, and pairs need not be laid out.
        units = query.shape[-1]
        first = ops.matmul(query, self.w_f[:units])  # (batch, positions, 1)
        second = ops.matmul(key, self.w_f[units:])  # (batch, key_positions, 1)
        return mean_weights(ops.relu(first + ops.transpose(second, (0, 2, 1))))  # (batch, positions, key_positions)
