"""Pooling by learned queries: k seeds, each of which attends to the set."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.multi_head import MultiHeadAttention
from keras_attn.ops import masks
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class LearnedQueryPooling(keras.layers.Layer):
    """PMA_k(Z) = MAB(S, rFF(Z)), with MAB(X, Y) = LayerNorm(H + rFF(H)) and H = LayerNorm(X + Multihead(X, Y, Y)).

        S -----------------------------+--------------------------+
                                       v                          v
        Z -- rFF --(key and value)-- multi-head attention -- + -- norm -- H --+-- rFF -- + -- norm
                                                                              +----------^

    S are k seed vectors, learned. The order of Z makes no difference. An rFF works on each row by itself; the paper
    leaves it open, and here it is one dense layer with a rectifier, as in the authors' code.

    Args:
        rows: k, number of seeds.
        units: d, width of the seeds and of the summary.
        heads: of the multi-head attention.
        head_dim: width of one head; `units / heads` if None.

    Call arguments:
        inputs: Z, (batch, key_length, features).
        mask: (batch, key_length) booleans, True = may be seen. Keras fills it from a hidden mask.
        return_attention_scores: also return the weights.

    Returns:
        (batch, rows, units); with `return_attention_scores` also weights (batch, heads, rows, key_length). An example
        in which nothing may be seen gets zeros in both.

    Source: Lee et al. 2019, "Set Transformer", eq. 6-7 (MAB) and 10 (PMA).
    """

    def __init__(self, rows: int, units: int, heads: int = 4, head_dim: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        for name, size in {"rows": rows, "units": units, "heads": heads, "head_dim": head_dim}.items():
            expect(size is None or size > 0, name, "at least 1", size)
        expect(bool(head_dim) or units % heads == 0, "heads", f"a divisor of units={units}, or a head_dim", heads)
        self.rows, self.units, self.heads, self.head_dim = rows, units, heads, head_dim or units // heads
        self.supports_masking = True
        dtype = self.dtype_policy
        self.enter = keras.layers.Dense(units, activation="relu", dtype=dtype, name="enter")
        self.attention = MultiHeadAttention(heads, self.head_dim, units=units, dtype=dtype, name="attention")
        self.feed_forward = keras.layers.Dense(units, activation="relu", dtype=dtype, name="feed_forward")
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name=f"norm_{i}") for i in range(2)]

    def build(self, inputs_shape: Any) -> None:
        batch, length, _ = inputs_shape
        rows_shape = (batch, self.rows, self.units)
        self.seeds = self.add_weight(shape=(self.rows, self.units), initializer="glorot_uniform", name="queries")
        self.enter.build(inputs_shape)
        self.attention.build(rows_shape, (batch, length, self.units))
        for layer in (self.feed_forward, *self.norms):
            layer.build(rows_shape)
        self.built = True

    def call(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        check(inputs, "batch key_length features", "inputs")
        mask = masks.both(mask)
        batch = ops.shape(inputs)[0]
        seeds = ops.broadcast_to(ops.expand_dims(self.seeds, 0), (batch, self.rows, self.units))
        members = self.enter(inputs)  # (batch, key_length, units)
        # The weights are (batch, heads, rows, key_length).
        context, weights = self.attention(seeds, members, value_mask=mask, return_attention_scores=True)
        hidden = self.norms[0](seeds + context)  # (batch, rows, units)
        summary = self.norms[1](hidden + self.feed_forward(hidden))
        if mask is not None:
            # Attention gives zeros where nothing may be seen; the seeds would still be there.
            sees = ops.reshape(ops.any(mask, axis=1), (-1, 1, 1))
            summary = ops.where(sees, summary, ops.zeros_like(summary))
        return (summary, weights) if return_attention_scores else summary

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """The summary has no positions left to hide."""
        return None

    def compute_output_spec(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False) -> Any:
        batch, length, _ = inputs.shape
        summary = keras.KerasTensor((batch, self.rows, self.units), dtype=self.compute_dtype)
        if not return_attention_scores:
            return summary
        return summary, keras.KerasTensor((batch, self.heads, self.rows, length), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        names = ("rows", "units", "heads", "head_dim")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
