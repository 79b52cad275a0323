"""Structured self-attention: a sentence as a matrix, each row of it a look at another part."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import masks, penalties, weights
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class SelfAttentivePooling(keras.layers.Layer):
    """M = A H with A = softmax(W_s2 tanh(W_s1 H^T)), and a loss P = ||A A^T - I||_F^2.

        H --+-- W_s1 -- tanh -- W_s2 -- softmax over positions -- A --+
            +---------------------------------------------------------+-- A H = M

    The loss, averaged over examples and times `penalization`, keeps rows from looking at the same words; Keras adds
    it to what the model is compiled with. There are no biases, as in the paper.

    Args:
        rows: number r of rows of the summary, the paper's hops.
        units: width d_a of the hidden layer.
        penalization: coefficient of P. The paper has 1 for sentiment and 0.3 for inference; 0 for none.

    Call arguments:
        inputs: H, (batch, key_length, features), such as the outputs of a bidirectional LSTM.
        mask: (batch, key_length) booleans, True = may be seen. Keras fills it from a hidden mask.
        return_attention_scores: also return A.

    Returns:
        M (batch, rows, features); with `return_attention_scores` also A (batch, rows, key_length). An example in
        which nothing may be seen gets zeros in both.

    Source: Lin et al. 2017, "A Structured Self-attentive Sentence Embedding", eq. 6-8.
    """

    def __init__(self, rows: int, units: int, penalization: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        expect(rows > 0, "rows", "at least 1", rows)
        expect(units > 0, "units", "at least 1", units)
        expect(penalization >= 0, "penalization", "at least 0", penalization)
        self.rows, self.units, self.penalization = rows, units, penalization
        self.supports_masking = True
        shared = {"use_bias": False, "dtype": self.dtype_policy}
        self.hidden = keras.layers.Dense(units, activation="tanh", name="hidden", **shared)
        self.hops = keras.layers.Dense(rows, name="hops", **shared)

    def build(self, inputs_shape: Any) -> None:
        self.hidden.build(inputs_shape)
        self.hops.build((*inputs_shape[:-1], self.units))
        self.built = True

    def call(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        check(inputs, "batch key_length features", "inputs")
        scores = ops.transpose(self.hops(self.hidden(inputs)), (0, 2, 1))  # (batch, rows, key_length)
        weight = weights.softmax(scores, masks.both(None if mask is None else ops.expand_dims(mask, 1)))
        if self.penalization:
            penalty = ops.mean(penalties.redundancy(weight))
            self.add_loss(self.penalization * ops.cast(penalty, keras.config.floatx()))  # the type Keras adds up in
        summary = weights.read(weight, inputs)  # (batch, rows, features)
        return (summary, weight) if return_attention_scores else summary

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """The summary has no positions left to hide."""
        return None

    def compute_output_spec(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        batch, length, features = inputs.shape
        summary = keras.KerasTensor((batch, self.rows, features), dtype=self.compute_dtype)
        if not return_attention_scores:
            return summary
        return summary, keras.KerasTensor((batch, self.rows, length), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "rows": self.rows, "units": self.units, "penalization": self.penalization}
