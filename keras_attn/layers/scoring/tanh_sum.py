"""The additive scoring without a learned direction: its hidden layer is summed up."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.scoring.additive import AdditiveScoring
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class TanhSumScoring(AdditiveScoring):
    """e_qk = sum_u tanh(W [q; k] + b)_u: `Linear`, tanh, sum, as many a tutorial writes it.

    The learned v of `AdditiveScoring` is one everywhere. W can make up for its sign and not for its size: no part of
    the sum counts more than 1, so weights can't get sharper than exp(2 units) allows.

    Arguments, call arguments and result are those of `AdditiveScoring`; the linear layer has a bias, b.
    """

    query_bias = True

    def build(self, query_shape: Any, key_shape: Any) -> None:
        if not self.project_query.built:
            self.project_query.build(query_shape)
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        return scores.tanh_sum(self.project_query(query), key)  # (batch, query_length, key_length)
