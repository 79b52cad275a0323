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
from keras_attn.layers.recurrent.multi_head_reader import MultiHeadReader
from keras_attn.ops import digits


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
        attention: an `Attention`, or a `MultiHeadReader`.
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
        attention: Attention | MultiHeadReader,
        query: Literal["previous_state", "token", "token_and_state"] = "previous_state",
        fusion: Fusion | None = None,
        **kwargs: Any,
    ):
        super().__init__(cell, **kwargs)
        expect(query in self.queries, "query", f"one of {', '.join(map(repr, self.queries))}", query)
        self.attention = attention
        self.query = query
        self.fusion = fusion or ConcatFusion(dtype=self.dtype_policy)

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        state, token = self.state_size[self.top], input_shape[-1]
        self.features = token
        width = {"previous_state": state, "token": token, "token_and_state": token + state}[self.query]
        if not self.attention.built:
            self.attention.build_projected((input_shape[0], 1, width), memory_shape["key"])
        if not self.fusion.built:
            self.fusion.build(input_shape, (None, self.attention.context_size(memory_shape)))
        super().build(input_shape, memory_shape)

    def advance(self, inputs: Any, states: list, memory: list, training: bool | None) -> tuple[dict[str, Any], list]:
        inputs, told = self.apart(inputs, training)
        state = states[self.top]
        if self.query == "previous_state":
            query = state
        else:
            query = inputs if self.query == "token" else ops.concatenate([inputs, state], -1)
        context, weights = self.read(query, memory, told, training)
        output, new = self.step(self.fusion(inputs, context), states, training)
        return {"output": output, "context": context, "weights": weights}, new

    def columns(self, inputs: Any, memory: dict, position: Any, training: bool | None) -> list[Any]:
        """The number of each token, for a window, and the noise of each step, for a weighing that draws in training.

        On JAX a loop can't draw, as no seed is moved on inside.
        """
        batch, length = ops.shape(inputs)[:2]
        found = []
        if self.attention.window is not None:
            # Keras' RNN casts what it is given to the compute dtype, and bfloat16 counts to 256 only.
            number = digits.apart(position + ops.arange(length), inputs.dtype)  # (n, 2)
            found.append(ops.broadcast_to(number, (batch, length, 2)))
        if self.attention.weighing.draws and training:
            # In 16 bits noise is rounded, as the scores are to which it is added.
            noise = self.attention.weighing.noise((batch, length, ops.shape(memory["key"])[1]), "float32")
            found.append(ops.cast(noise, inputs.dtype))
        return found

    def apart(self, inputs: Any, training: bool | None) -> tuple[Any, dict[str, Any]]:
        """The token (batch, features), and what is in the step's `columns` as arguments of `Attention.read`."""
        windowed, drawn = self.attention.window is not None, self.attention.weighing.draws and training
        if not windowed and not drawn:
            return inputs, {}
        told, rest = {}, inputs[:, self.features :]
        if windowed:
            told["query_position"] = ops.expand_dims(digits.joined(rest[:, :2]), 1)  # (batch, 1)
            rest = rest[:, 2:]
        if drawn:
            told["noise"] = ops.expand_dims(rest, 1)  # (batch, 1, key_length)
        return inputs[:, : self.features], told

    def read(self, query: Any, memory: list, told: dict[str, Any], training: bool | None) -> tuple[Any, Any]:
        """Context (batch, features) and weights (batch, key_length) for a query (batch, features)."""
        key, value, mask = memory
        visible = ops.expand_dims(ops.cast(mask, "bool"), 1)  # (batch, 1, key_length); RNN makes states floats
        query = ops.expand_dims(query, 1)  # (batch, 1, features)
        context, weights = self.attention.read(query, key, value, visible, training=training, **told)
        return ops.squeeze(context, 1), ops.squeeze(weights, 1)

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        read = {"context": self.attention.context_size(memory_shape), "weights": memory_shape["key"][1]}
        return {**super().part_sizes(memory_shape), **read}

    def input_size(self, features: int, memory_shape: dict) -> int:
        return self.fusion.width(features, self.attention.context_size(memory_shape))

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("attention", "fusion")}
        return {**super().get_config(), "query": self.query, **parts}
