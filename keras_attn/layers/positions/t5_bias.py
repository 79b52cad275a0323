"""T5's relative bias: a learned number for each head and bucket of distances, added to the score."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.positions.attention_positions import AttentionPositions
from keras_attn.ops import distances, positions


@keras.saving.register_keras_serializable("keras_attn")
class T5Bias(AttentionPositions):
    """e_qk = query_q . key_k / sqrt(d) + b_(h, bucket(k - q)).

    Half of the buckets hold one distance each, the others grow with the logarithm of the distance. In T5 one such
    bias serves all layers of a stack: give the same object to each of them. T5 leaves out the 1 / sqrt(d), which its
    initialization makes up for; here it stays.

    Args:
        buckets: number of buckets.
        farthest: distance from which on all share the last one.
        bidirectional: True in an encoder: keys behind and ahead have buckets of their own, half of them each. False in
            a decoder, which never looks ahead.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
    section 2.1.
    """

    def __init__(self, buckets: int = 32, farthest: int = 128, bidirectional: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        least = 4 if bidirectional else 2
        expect(buckets >= least and buckets % least == 0, "buckets", f"a multiple of {least}", buckets)
        exact = buckets // least
        expect(farthest > exact, "farthest", f"more than {exact}, the buckets that hold one distance", farthest)
        self.buckets = buckets
        self.farthest = farthest
        self.bidirectional = bidirectional

    def build(self, heads: int, head_dim: int, value_dim: int) -> None:
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.embeddings = self.add_weight(shape=(self.buckets, heads), initializer=initializer, name="embeddings")
        self.built = True

    def score(self, query: Any, query_position: Any, key_position: Any) -> Any:
        bucket = distances.buckets(self.buckets, self.farthest, self.bidirectional)
        by_distance = ops.take(self.embeddings, bucket, axis=0)  # (2 farthest + 1, heads)
        where = positions.distance(query_position, key_position, self.farthest)  # (query_length, key_length)
        return ops.transpose(ops.take(by_distance, where, axis=0), (2, 0, 1))[None]  # (1, heads, query_length, ...)

    def get_config(self) -> dict:
        names = ("buckets", "farthest", "bidirectional")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
