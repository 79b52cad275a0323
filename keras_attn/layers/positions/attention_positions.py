"""The places inside attention where positions can come in."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("keras_attn")
class AttentionPositions(keras.layers.Layer):
    """What positions change inside attention; here nothing. A subclass fills in one or more of three places.

        q, k = turn(q), turn(k)                  RotaryPositions
        e    = q . k + score(q)                  RelativePositions, T5Bias, ALiBi
        c    = sum_k a v + read(a)               RelativePositions

    Give one to `MultiHeadAttention(position=...)`. Positions are (length,) integers, whatever the dtype of the layer:
    bfloat16 counts to 256 only. `score` and `read` are given positions whose differences are right; where they count
    from is not said (in a sliding window it is the block's first key), so they may depend on differences only.
    """

    def build(self, heads: int, head_dim: int, value_dim: int) -> None:
        self.built = True

    def turn(self, x: Any, position: Any) -> Any:
        """Queries or keys as they enter the score.

        Args:
            x: (batch, length, heads, head_dim), as projected; heads come first after this.
            position: (length,) integers.
        """
        return x

    def score(self, query: Any, query_position: Any, key_position: Any) -> Any:
        """What is added to the scores, broadcastable to (batch, heads, query_length, key_length); None = nothing.

        Args:
            query: (batch, heads, query_length, head_dim), already divided by sqrt(head_dim).
            query_position: (query_length,) integers.
            key_position: (key_length,) integers.
        """
        return None

    def read(self, weights: Any, query_position: Any, key_position: Any) -> Any:
        """What is added to the context, (batch, heads, query_length, value_dim); None = nothing.

        Args:
            weights: (batch, heads, query_length, key_length).
        """
        return None
