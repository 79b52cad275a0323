"""A recurrent cell that looks at the source after every step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.attention import Attention
from keras_attn.layers.fusion.attentional import AttentionalFusion
from keras_attn.layers.fusion.fusion import Fusion
from keras_attn.layers.recurrent.attention_cell import AttentionCell
from keras_attn.layers.recurrent.multi_head_reader import MultiHeadReader


@keras.saving.register_keras_serializable("keras_attn")
class LuongCell(AttentionCell):
    """h_t = f(h_{t-1}, [y_{t-1}; h~_{t-1}]), c_t = attention(h_t, memory), h~_t = tanh(W_c [c_t; h_t]).

        h~_{t-1} --+                memory
                   v                  v
        y_{t-1} -> cell --h_t--> attention --c_t--> fuse(h_t, c_t) --> h~_t
                    |                                 ^
                    +---------------h_t---------------+

    Memory and parts are those of `AttentionCell`; the output is h~_t, and with input feeding it is also the last of
    the states.

    Args:
        cell: a Keras recurrent cell, or `StackedRNNCells`.
        attention: an `Attention`, or a `MultiHeadReader`; the query is h_t.
        fusion: how h_t and c_t become h~_t, a `Fusion`; `AttentionalFusion()` if None.
        input_feeding: the next step reads h~_t too, and so knows where the last one looked.

    Source: Luong et al. 2015, section 3, eq. 5; input feeding: section 3.3.
    """

    queries = ("state",)

    def __init__(
        self,
        cell: keras.layers.Layer,
        attention: Attention | MultiHeadReader,
        query: str = "state",
        fusion: Fusion | None = None,
        input_feeding: bool = True,
        **kwargs: Any,
    ):
        fusion = fusion or AttentionalFusion(dtype=kwargs.get("dtype"))
        super().__init__(cell, attention, query, fusion, **kwargs)  # type: ignore[arg-type]
        keeps = self.fusion.width(1, 1) == 1
        wanted = "one that is as wide as the state, such as `LinearFusion`, or `input_feeding=False`"
        expect(keeps or not input_feeding, "fusion", wanted, type(fusion).__name__)
        self.input_feeding = input_feeding
        if input_feeding:
            self.state_size = [*self.state_size, self.cell.output_size]

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        units = self.cell.output_size
        self.features = input_shape[-1]
        if not self.attention.built:
            self.attention.build_projected((input_shape[0], 1, units), memory_shape["key"])
        if not self.fusion.built:
            self.fusion.build((input_shape[0], units), (None, self.attention.context_size(memory_shape)))
        if not self.cell.built:
            self.cell.build((input_shape[0], input_shape[-1] + (units if self.input_feeding else 0)))
        self.built = True

    def advance(self, inputs: Any, states: list, memory: list, training: bool | None) -> tuple[dict[str, Any], list]:
        inputs, told = self.apart(inputs, training)
        if self.input_feeding:
            *states, fed = states
            inputs = ops.concatenate([inputs, fed], -1)
        state, new = self.step(inputs, states, training)
        context, weights = self.read(state, memory, told, training)
        output = self.fusion(state, context)
        fed_next = [output] if self.input_feeding else []
        return {"output": output, "context": context, "weights": weights}, [*new, *fed_next]

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        sizes = super().part_sizes(memory_shape)
        return {**sizes, "output": self.fusion.width(self.cell.output_size, self.attention.context_size(memory_shape))}

    def get_config(self) -> dict:
        return {**super().get_config(), "input_feeding": self.input_feeding}
