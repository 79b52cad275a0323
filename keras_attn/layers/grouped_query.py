"""Grouped-query attention: multi-head attention in which groups of query heads share one head of keys and values."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import expect
from keras_attn.layers.multi_head import MultiHeadAttention


@keras.saving.register_keras_serializable("keras_attn")
class GroupedQueryAttention(MultiHeadAttention):
    """Multi-head attention with g < h heads of keys and values: query head i looks at key head i // (h / g).

        query heads   0 1 2   3 4 5   6 7 8       h = 9
                        |       |       |
        key heads       0       1       2         g = 3: memories and caches are a third as large

    Args:
        heads: h, number of query heads.
        key_heads: g, number of key heads, a divisor of `heads`. With g = h this is multi-head attention.
        head_dim: width of one head.
        **kwargs: those of `MultiHeadAttention`. Calls and results are its, too.

    Source: Ainslie et al. 2023, "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
    Checkpoints", section 2.2.
    """

    def __init__(self, heads: int, key_heads: int, head_dim: int, **kwargs: Any):
        super().__init__(heads, head_dim, **kwargs)
        divides = key_heads >= 1 and heads % key_heads == 0
        expect(divides, "key_heads", f"a divisor of heads ({heads})", key_heads)
        self.key_heads = key_heads

    def get_config(self) -> dict:
        return {**super().get_config(), "key_heads": self.key_heads}
