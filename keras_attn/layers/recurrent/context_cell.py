"""A recurrent cell that is given the same summary of the source at every step: no attention."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.recurrent.memory_cell import MemoryCell


@keras.saving.register_keras_serializable("keras_attn")
class ContextCell(MemoryCell):
    """s_i = f(s_{i-1}, [y_{i-1}; C]): one fixed vector C, at every step.

    Memory: vector C, (batch, features). Parts: output (batch, units), context = C.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", section 2.2.
    """

    memory_names = ("vector",)

    def look(self, top_state: Any, memory: list) -> dict[str, Any]:
        return {"context": memory[0]}

    def look_sizes(self, memory_shape: dict) -> dict[str, Any]:
        return {"context": memory_shape["vector"][-1]}
