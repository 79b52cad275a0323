"""Scores that are read off the query alone: the form of PyTorch's well-known tutorial."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.scoring.scoring import Scoring


@keras.saving.register_keras_serializable("keras_attn")
class LocationScoring(Scoring):
    """e_qk = (W q_q + b)_k: one learned score for each place, whatever stands there.

    The tutorial's `attn = Linear(2 * hidden, max_length)`, `softmax(attn([embedded; hidden]))`: the query is the
    token's embedding joined with the state, and the source is never asked. In a decoder that is
    `query="token_and_state"`. The tutorial's softmax also gives weight to the places past the end of a source, where
    it reads zeros; masked, weights are those of the places that have a word, and sum to one.

    Args:
        max_length: number of places that have a score. Keys farther on are not seen by an `Attention`; where the
            number of keys is known before anything runs, it is an error.

    Call arguments:
        query: (batch, query_length, query_features).
        key: (batch, key_length, features); only its length counts.

    Returns:
        Scores (batch, query_length, key_length).

    Raises:
        ValueError: `key` is longer than `max_length`.

    Source: Luong et al. 2015, eq. 8, "location"; Robertson, "Translation with a Sequence to Sequence
    Network and Attention", PyTorch tutorials 2017.
    """

    def __init__(self, max_length: int, project_key: keras.layers.Layer | None = None, **kwargs: Any):
        if max_length < 1:
            raise ValueError(f"`max_length` must be at least 1; it came as {max_length}.")
        super().__init__(project_key, **kwargs)
        self.max_length = max_length
        self.project_query = keras.layers.Dense(max_length, dtype=self.dtype_policy, name="query")

    def build(self, query_shape: Any, key_shape: Any) -> None:
        if not self.project_query.built:
            self.project_query.build(query_shape)
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        places = self.project_query(query)  # (batch, query_length, max_length)
        length = ops.shape(key)[1]
        if isinstance(length, int) and length > self.max_length:
            raise ValueError(
                f"{self.name}: expected `key` of at most {self.max_length} places (`max_length`), got {length}; "
                "raise `max_length`, or choose a scoring that looks at the keys"
            )
        # Farther on stands the last score, where nobody looks: see `visible`.
        place = ops.minimum(ops.arange(length), self.max_length - 1)
        return ops.take(places, place, axis=-1)  # (batch, query_length, key_length)

    def visible(self, key_length: Any) -> Any:
        return ops.arange(key_length)[None, None] < self.max_length

    def get_config(self) -> dict:
        return {**super().get_config(), "max_length": self.max_length}
