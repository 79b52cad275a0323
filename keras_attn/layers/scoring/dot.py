"""The scoring without weights: query times key."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.scoring.scoring import Scoring, same_width
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class DotScoring(Scoring):
    """e_qk = q_q . k_k.

    Call arguments:
        query: (batch, query_length, features).
        key: (batch, key_length, features).

    Returns:
        Scores (batch, query_length, key_length).

    Raises:
        ValueError: query and key differ in width.

    Source: Luong et al. 2015, section 3.1, "dot".
    """

    def build(self, query_shape: Any, key_shape: Any) -> None:
        same_width(query_shape, key_shape, self.name, "`GeneralScoring` has a matrix between the two")
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        return scores.dot(query, key)  # (batch, query_length, key_length)
