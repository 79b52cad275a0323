"""A recurrent cell that looks at the source before every step."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.attention import Attention
from keras_attn.layers.fusion.concat import ConcatFusion
from keras_attn.layers.fusion.fusion import Fusion
from keras_attn.layers.recurrent.memory_cell import MemoryCell


@keras.saving.register_keras_serializable("keras_attn")
class AttentionCell(MemoryCell):
    """s_i = f(s_{i-1}, fuse(y_{i-1}, c_i)) with c_i = attention(s_{i-1}, memory).

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
        query: who asks: "previous_state" s_{i-1} (Bahdanau), "token" y_{i-1}, or "token_and_state", both side by
            side, as in PyTorch's tutorial. For the current state there is `LuongCell`.
        fusion: how token and context enter the cell, a `Fusion`; `ConcatFusion()` if None.

    Source: Bahdanau et al. 2015, section 3.1 and appendix A.1.2, A.2.2.
    """

    memory_names = ("key", "value", "mask")
    queries: tuple[str, ...] = ("previous_state", "token", "token_and_state")

    def __init__(
        self,
        cell: keras.layers.Layer,
        attention: Attention,
        query: Literal["previous_state", "token", "token_and_state"] = "previous_state",
        fusion: Fusion | None = None,
        **kwargs: Any,
    ):
        super().__init__(cell, **kwargs)
        expect(query in self.queries, "query", f"one of {', '.join(map(repr, self.queries))}", query)
        self.attention = attention
        self.query = query
        self.fusion = fusion or ConcatFusion(dtype=self.dtype_policy)
        self.positioned = attention.window is not None

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        state, token = self.state_size[self.top], input_shape[-1]
        width = {"previous_state": state, "token": token, "token_and_state": token + state}[self.query]
        if not self.attention.built:
            self.attention.build_projected((input_shape[0], 1, width), memory_shape["key"])
        if not self.fusion.built:
            self.fusion.build(input_shape, memory_shape["value"])
        super().build(input_shape, memory_shape)

    def advance(
        self, inputs: Any, states: list, memory: list, position: Any, training: bool | None
    ) -> tuple[dict[str, Any], list]:
        state = states[self.top]
        if self.query == "previous_state":
            query = state
        else:
            query = inputs if self.query == "token" else ops.concatenate([inputs, state], -1)
        context, weights = self.read(query, memory, position, training)
        output, new = self.step(self.fusion(inputs, context), states, training)
        return {"output": output, "context": context, "weights": weights}, new

    def read(self, query: Any, memory: list, position: Any, training: bool | None) -> tuple[Any, Any]:
        """Context (batch, features) and weights (batch, key_length) for a query (batch, features)."""
        key, value, mask = memory
        visible = ops.expand_dims(ops.cast(mask, "bool"), 1)  # (batch, 1, key_length); RNN makes states floats
        position = None if position is None else ops.expand_dims(position, 1)  # (batch, 1)
        context, weights = self.attention.read(ops.expand_dims(query, 1), key, value, visible, position, training)
        return ops.squeeze(context, 1), ops.squeeze(weights, 1)

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        read = {"context": memory_shape["value"][-1], "weights": memory_shape["key"][1]}
        return {**super().part_sizes(memory_shape), **read}

    def input_size(self, features: int, memory_shape: dict) -> int:
        return self.fusion.width(features, memory_shape["value"][-1])

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("attention", "fusion")}
        return {**super().get_config(), "query": self.query, **parts}
