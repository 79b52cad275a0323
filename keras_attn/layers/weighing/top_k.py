"""The softmax over the best few keys."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.ops import weights


@keras.saving.register_keras_serializable("keras_attn")
class TopKWeighing(Weighing):
    """a_q = softmax over the k keys that score best; all others get zero, and no gradient.

    Keys that score the same as the k-th best are kept too.

    Args:
        k: how many keys are read; with fewer than that, all are.

    Call arguments and result are those of `Weighing`; the mathematics is `keras_attn.ops.top_k`.

    Source: Gupta et al. 2021, "Memory-efficient Transformers via Top-k Attention", section 2.
    """

    def __init__(self, k: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        if k < 1:
            raise ValueError(f"`k` must be at least 1; it came as {k}.")
        self.k = k

    def call(self, scores: Any, visible: Any = None, training: bool | None = None) -> Any:
        return weights.top_k(scores, self.k, visible)

    def get_config(self) -> dict:
        return {**super().get_config(), "k": self.k}
