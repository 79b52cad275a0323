"""Multi-head attention: several small attentions side by side, each with projections of its own."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.head_attention import HeadAttention
from keras_attn.ops import masks
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class MultiHeadAttention(HeadAttention):
    """MultiHead(Q, K, V) = [head_1; ...; head_h] W^O, head_i = softmax(Q W_i^Q (K W_i^K)^T / sqrt(d_k)) V W_i^V.

        query -- W^Q -- h heads --+
        key   -- W^K -- h heads --+-- dot / sqrt(d_k) -- mask -- softmax -- a --+
        value -- W^V -- h heads ------------------------------------------------+-- sum -- side by side -- W^O

    It speaks the protocol of `keras.layers.MultiHeadAttention`. Decoders have more ways in: `HeadAttention`.

    Args:
        heads: h, number of heads.
        head_dim: d_k, width of one head's query and key.
        value_dim: d_v, width of one head's value; `head_dim` if None.
        units: width of the output; the query's if None.
        use_bias: whether query, value and output get a bias. The paper has none. Keys get none: it would add the
            same number to all scores of a query, and softmax takes that out again.
        dropout: share of weights set to zero in training.
        position: an `AttentionPositions`, such as `RotaryPositions()`; none if None.
        kernel_initializer: of the four matrices.
        seed: of dropout.

    Call arguments:
        query: (batch, query_length, query_features).
        value: (batch, key_length, features).
        key: (batch, key_length, key_features); `value` if None.
        query_mask: (batch, query_length) booleans: rows that are False read nothing.
        value_mask, key_mask: (batch, key_length) booleans, True = may be seen. Keras fills them from hidden masks.
        attention_mask: (batch, query_length, key_length) booleans, True = may look.
        use_causal_mask: position q sees positions <= q only.
        return_attention_scores: also return the weights.

    Returns:
        (batch, query_length, units); with `return_attention_scores` also weights
        (batch, heads, query_length, key_length), before dropout. A query that may see nothing gets zeros in both.

    Source: Vaswani et al. 2017, "Attention Is All You Need", eq. 1 and section 3.2.2.
    """

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch query_length query_features", "query")
        check(value, "batch key_length features", "value")
        if key is not None:
            check(key, "batch key_length key_features", "key")
        if attention_mask is not None:
            check(attention_mask, "batch query_length key_length", "attention_mask")
        mask = masks.of_call(query_mask, value_mask, key_mask, attention_mask)
        memory = self.project_memory(value, key)
        output, weights = self._read(query, memory, mask, causal=use_causal_mask, training=training)
        return (output, weights) if return_attention_scores else output

    def compute_output_spec(
        self, query: Any, value: Any, *_: Any, return_attention_scores: bool = False, **__: Any
    ) -> Any:
        shape = (*query.shape[:2], self.units or query.shape[-1])
        output = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        shape = (query.shape[0], self.heads, query.shape[1], value.shape[1])
        return output, keras.KerasTensor(shape, dtype=self.compute_dtype)
