"""A recurrent cell that looks at the source before every step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.attention import Attention
from keras_attn.layers.recurrent.memory_cell import MemoryCell


@keras.saving.register_keras_serializable("keras_attn")
class AttentionCell(MemoryCell):
    """s_i = f(s_{i-1}, [y_{i-1}; c_i]) with c_i = attention(s_{i-1}, memory).

        memory ----------+
                         v
        s_{i-1} ----> attention --c_i--+
           |                           v
           +-------------------> cell(y_{i-1}, c_i) --> s_i

    With `keras.layers.GRUCell(reset_after=False)` this is the paper's gated unit (its kernel is W and C side by side,
    its update gate is the paper's 1 - z). With `StackedRNNCells` the query is the top cell's state.

    Memory: key (batch, key_length, units) already projected, value (batch, key_length, features), mask
    (batch, key_length). Parts: output (batch, units), context (batch, features), weights (batch, key_length).

    Args:
        cell: a Keras recurrent cell, or `StackedRNNCells`.
        attention: an `Attention`.

    Source: Bahdanau et al. 2015, section 3.1 and appendix A.1.2, A.2.2.
    """

    memory_names = ("key", "value", "mask")

    def __init__(self, cell: keras.layers.Layer, attention: Attention, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self.attention = attention

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        if not self.attention.scoring.built:
            query_shape = (input_shape[0], 1, self.state_size[self.top])
            self.attention.scoring.build(query_shape, memory_shape["key"])
        self.attention.built = True
        super().build(input_shape, memory_shape)

    def look(self, top_state: Any, memory: list) -> dict[str, Any]:
        key, value, mask = memory
        query = ops.expand_dims(top_state, 1)  # (batch, 1, units)
        visible = ops.expand_dims(ops.cast(mask, "bool"), 1)  # (batch, 1, key_length); RNN makes states floats
        context, weights = self.attention.read(query, key, value, visible)
        return {"context": ops.squeeze(context, 1), "weights": ops.squeeze(weights, 1)}

    def look_sizes(self, memory_shape: dict) -> dict[str, Any]:
        return {"context": memory_shape["value"][-1], "weights": memory_shape["key"][1]}

    def get_config(self) -> dict:
        return {**super().get_config(), "attention": keras.saving.serialize_keras_object(self.attention)}
