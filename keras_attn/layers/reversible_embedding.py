"""Word vectors that are the matrix of the softmax as well."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_attn")
class ReversibleEmbedding(keras.layers.ReversibleEmbedding):
    """Keras' layer of that name, whose `reverse` of one token reads the table as it lies.

        logits_v = x . e_v

    A step of a search multiplies few rows with a large table. Keras turns the table around first, which for 64 rows
    takes a third of the time on TensorFlow (2026-11-20).

    Args:
        See `keras.layers.ReversibleEmbedding`.

    Call arguments:
        inputs: ids (batch, n); with `reverse` vectors (batch, n, output_dim).
        reverse: whether to give logits for vectors.

    Returns:
        Vectors (batch, n, output_dim), or logits (batch, n, input_dim).

    Source: Press and Wolf 2017, "Using the Output Embedding to Improve Language Models".
    """

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        plain = self.tie_weights and self.logit_soft_cap is None and self.quantization_mode is None
        if not (reverse and plain and len(inputs.shape) == 3 and inputs.shape[1] == 1):
            return super().call(inputs, reverse=reverse)
        table = ops.cast(self.embeddings, self.reverse_dtype or self.compute_dtype)
        return ops.einsum("bnd,vd->bnv", ops.cast(inputs, table.dtype), table)
