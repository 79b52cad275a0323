"""The dot product that keeps its size when vectors grow longer."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.scoring.dot import DotScoring
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class ScaledDotScoring(DotScoring):
    """e_qk = q_q . k_k / sqrt(features).

    Arguments, result and error are those of `DotScoring`.

    Source: Vaswani et al. 2017, "Attention Is All You Need", eq. 1.
    """

    def call(self, query: Any, key: Any) -> Any:
        return scores.scaled_dot(query, key)  # (batch, query_length, key_length)
