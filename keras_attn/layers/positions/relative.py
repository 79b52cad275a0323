"""Relative positions: a learned vector for each distance, added to keys and to values."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.positions.attention_positions import AttentionPositions
from keras_attn.ops import positions


@keras.saving.register_keras_serializable("keras_attn")
class RelativePositions(AttentionPositions):
    """e_ij = x_i W^Q (x_j W^K + a^K_ij)^T / sqrt(d), z_i = sum_j alpha_ij (x_j W^V + a^V_ij).

    a_ij = w_clip(j - i, -k, k): one vector for each distance up to k, for keys and for values, the same in all heads.

    Args:
        limit: k, the distance from which on all are alike.
        values: whether values get vectors too; the paper found that keys' alone do as well in translation.

    Source: Shaw, Uszkoreit, Vaswani 2018, "Self-Attention with Relative Position Representations", eq. 3-4.
    """

    def __init__(self, limit: int, values: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        expect(limit >= 1, "limit", "at least 1", limit)
        self.limit = limit
        self.values = values

    def build(self, heads: int, head_dim: int, value_dim: int) -> None:
        count = 2 * self.limit + 1
        self.key_embeddings = self.add_weight(shape=(count, head_dim), name="key_embeddings")
        if self.values:
            self.value_embeddings = self.add_weight(shape=(count, value_dim), name="value_embeddings")
        self.built = True

    def score(self, query: Any, query_position: Any, key_position: Any) -> Any:
        vectors = self._vectors(self.key_embeddings, query, query_position, key_position)
        return ops.einsum("bhqd,qkd->bhqk", query, vectors)

    def read(self, weights: Any, query_position: Any, key_position: Any) -> Any:
        if not self.values:
            return None
        vectors = self._vectors(self.value_embeddings, weights, query_position, key_position)
        return ops.einsum("bhqk,qkd->bhqd", weights, vectors)

    def _vectors(self, table: Any, like: Any, query_position: Any, key_position: Any) -> Any:
        where = positions.distance(query_position, key_position, self.limit)  # (query_length, key_length)
        return ops.take(ops.cast(table, like.dtype), where, axis=0)  # (query_length, key_length, width)

    def get_config(self) -> dict:
        return {**super().get_config(), "limit": self.limit, "values": self.values}
