"""A recurrent cell that is given the same summary of the source at every step: no attention."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.recurrent.memory_cell import MemoryCell


@keras.saving.register_keras_serializable("keras_attn")
class ContextCell(MemoryCell):
    """s_i = f(s_{i-1}, [y_{i-1}; C]): one fixed vector C, at every step.

    Memory: vector C, (batch, features). Parts: output (batch, units), context = C.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", section 2.2.
    """

    memory_names = ("vector",)

    def advance(self, inputs: Any, states: list, memory: list, training: bool | None) -> tuple[dict[str, Any], list]:
        (context,) = memory
        output, new = self.step(ops.concatenate([inputs, context], -1), states, training)
        return {"output": output, "context": context}, new

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        return {"output": self.cell.output_size, "context": memory_shape["vector"][-1]}

    def input_size(self, features: int, memory_shape: dict) -> int:
        return features + memory_shape["vector"][-1]
