"""The weighing of nearly every paper."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.ops import weights


@keras.saving.register_keras_serializable("keras_attn")
class SoftmaxWeighing(Weighing):
    """a_qk = exp(e_qk) / sum_j exp(e_qj).

    Every key that may be seen gets some weight.

    Call arguments and result are those of `Weighing`; the mathematics is `keras_attn.ops.softmax`.

    Source: Bahdanau et al. 2015, eq. 6.
    """

    def call(self, scores: Any, visible: Any = None, training: bool | None = None) -> Any:
        return weights.softmax(scores, visible)
