"""Pooling by a learned context vector: words into a sentence, sentences into a document."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import masks, weights
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class ContextVectorPooling(keras.layers.Layer):
    """s = sum_t a_t h_t with a = softmax(u_t^T u_w) and u_t = tanh(W h_t + b).

        h --+-- W, b -- tanh -- u_w^T -- softmax over positions -- a --+
            +----------------------------------------------------------+-- sum = s

    The context vector u_w asks which words are informative. One layer pools the words of every sentence, another one
    the sentences of a document: in four dimensions the last but one is pooled, and a hidden mask of words becomes one
    of sentences, where a sentence without words is hidden.

        words = keras.layers.Embedding(vocabulary, 128, mask_zero=True)(ids)   # (batch, sentences, words, 128)
        sentences = ContextVectorPooling(64)(words)                            # (batch, sentences, 128)
        document = ContextVectorPooling(64)(sentences)                         # (batch, 128)

    Args:
        units: width of u_t and of u_w.

    Call arguments:
        inputs: h, (batch, key_length, features), or (batch, sentences, key_length, features).
        mask: (batch, [sentences,] key_length) booleans, True = may be seen. Keras fills it from a hidden mask.
        return_attention_scores: also return a.

    Returns:
        s (batch, [sentences,] features); with `return_attention_scores` also a (batch, [sentences,] 1, key_length).
        Where nothing may be seen both are zeros.

    Source: Yang et al. 2016, "Hierarchical Attention Networks for Document Classification", eq. 5-7 and 8-10.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        expect(units > 0, "units", "at least 1", units)
        self.units = units
        self.supports_masking = True
        self.hidden = keras.layers.Dense(units, activation="tanh", dtype=self.dtype_policy, name="hidden")

    def build(self, inputs_shape: Any) -> None:
        self.hidden.build(inputs_shape)
        self.context = self.add_weight(shape=(self.units, 1), initializer="glorot_uniform", name="context")
        self.built = True

    def call(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        sentences = "sentences " if len(inputs.shape) == 4 else ""
        check(inputs, f"batch {sentences}key_length features", "inputs")
        scores = ops.matmul(self.hidden(inputs), self.context)  # (batch, [sentences,] key_length, 1)
        scores = ops.swapaxes(scores, -1, -2)  # (batch, [sentences,] 1, key_length)
        weight = weights.softmax(scores, masks.both(None if mask is None else ops.expand_dims(mask, -2)))
        summary = ops.squeeze(weights.read(weight, inputs), -2)  # (batch, [sentences,] features)
        return (summary, weight) if return_attention_scores else summary

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A sentence is there if it has a word; one summary for each example has no positions left to hide."""
        return None if mask is None or len(mask.shape) == 2 else ops.any(mask, axis=-1)

    def compute_output_spec(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        *outer, length, features = inputs.shape
        summary = keras.KerasTensor((*outer, features), dtype=self.compute_dtype)
        if not return_attention_scores:
            return summary
        return summary, keras.KerasTensor((*outer, 1, length), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
