"""Multi-query attention: multi-head attention in which all heads share one head of keys and values."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.multi_head import MultiHeadAttention


@keras.saving.register_keras_serializable("keras_attn")
class MultiQueryAttention(MultiHeadAttention):
    """Multi-head attention with one head of keys and values: each query head i has its W_i^Q, all share W^K and W^V.

        query heads   0 1 2 3 4 5 6 7
                       \\_\\_\\_|_/_/_/
        key heads             0               memories and caches are an h-th as large

    Arguments, calls and results are those of `MultiHeadAttention`.

    Source: Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need", section 3.
    """

    def __init__(self, heads: int, head_dim: int, **kwargs: Any):
        super().__init__(heads, head_dim, **kwargs)
        self.key_heads = 1
