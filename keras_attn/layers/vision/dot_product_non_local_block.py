"""The non-local block whose weights are dot products, without a softmax."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.vision.non_local_block import NonLocalBlock
from keras_attn.ops.pairs import mean_weights


@keras.saving.register_keras_serializable("keras_attn")
class DotProductNonLocalBlock(NonLocalBlock):
    """a_ij = theta(x_i)^T phi(x_j) / N, N the number of positions looked at; the rest is `NonLocalBlock`.

    Weights may be negative and do not sum to one.

    Source: Wang et al. 2018, "Non-local Neural Networks", eq. 4; C(x) = N.
    """

    def weigh(self, query: Any, key: Any) -> Any:
        return mean_weights(ops.matmul(query, ops.transpose(key, (0, 2, 1))))  # (batch, positions, key_positions)
