"""Every key weighed on its own."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.ops import weights


@keras.saving.register_keras_serializable("keras_attn")
class SigmoidWeighing(Weighing):
    """a_qk = 1 / (1 + exp(-(e_qk - log n))), n the number of keys that may be seen.

    Keys don't compete: weights may sum to more or to less than one.

    Call arguments and result are those of `Weighing`; the mathematics is `keras_attn.ops.sigmoid`.

    Source: Ramapuram et al. 2024, "Theory, Analysis, and Best Practices for Sigmoid Self-Attention", eq. 3.
    """

    def call(self, scores: Any, visible: Any = None, training: bool | None = None) -> Any:
        return weights.sigmoid(scores, visible)
