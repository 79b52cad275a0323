"""Weights of which most are exactly zero."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.ops import weights


@keras.saving.register_keras_serializable("keras_attn")
class SparsemaxWeighing(Weighing):
    """a_q = the nearest point to e_q at which weights are not negative and sum to one.

    Keys that score far below the best get exactly zero, and no gradient.

    Call arguments and result are those of `Weighing`; the mathematics is `keras_attn.ops.sparsemax`.

    Source: Martins and Astudillo 2016, "From Softmax to Sparsemax", eq. 2-4, 9.
    """

    def call(self, scores: Any, visible: Any = None, training: bool | None = None) -> Any:
        return weights.sparsemax(scores, visible)
