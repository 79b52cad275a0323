"""Runs a cell with a memory over n tokens: the whole target, a prompt, or one."""

from __future__ import annotations

import itertools
from typing import Any

import keras
from keras import ops

from keras_attn.layers.recurrent.memory_cell import MemoryCell


@keras.saving.register_keras_serializable("keras_attn")
class Unroll(keras.layers.Layer):
    """(s_1 ... s_n) = cell(y_0 ... y_{n-1}), each step reading the same memory.

    It is `keras.layers.RNN(cell)` with the memory carried beside the state (Keras 3 has no constants) and with the
    cell's concatenated output taken apart again.

    Args:
        cell: a `MemoryCell`, such as `AttentionCell`.

    Call arguments:
        inputs: embedded tokens, (batch, n, features).
        state: list of the cell's states, each (batch, units).
        memory: dict of what the cell reads, every leaf with the batch first.
        position: number of the first token, counted from 0; for cells that look through a window.

    Returns:
        `{"output": (batch, n, units), ...}` with what else the cell puts out, such as "context"
        (batch, n, features) and "weights" (batch, n, key_length), and the list of new states.
    """

    def __init__(self, cell: MemoryCell, **kwargs: Any):
        super().__init__(**kwargs)
        self.cell = cell
        self.rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype=self.dtype_policy)

    def build(self, inputs_shape: Any, state_shape: Any, memory_shape: dict | None = None, **_: Any) -> None:
        if not self.cell.built:
            self.cell.build((inputs_shape[0], inputs_shape[-1]), memory_shape or {})  # Keras leaves an empty dict out
        self.rnn.built = True
        self.built = True

    def call(
        self, inputs: Any, state: list, memory: dict, position: Any = 0, training: bool | None = None
    ) -> tuple[dict, list]:
        columns = self.cell.columns(inputs, memory, position, training)
        if columns:
            inputs = ops.concatenate([inputs, *columns], -1)
        carried = [memory[name] for name in self.cell.memory_names]
        together, *states = self.rnn(inputs, initial_state=[*state, *carried], training=training)
        sizes = self.cell.part_sizes({name: ops.shape(tensor) for name, tensor in memory.items()})
        # The width of the last, attention's weights, may be known to the graph only. What comes before is split, as
        # every slice has a gradient as wide as the whole.
        *ends, _ = itertools.accumulate(sizes.values())
        parts = [together]
        if ends:
            first = ops.reshape(together[..., : ends[-1]], (*ops.shape(together)[:-1], ends[-1]))
            parts = [*(ops.split(first, ends[:-1], axis=-1) if ends[1:] else [first]), together[..., ends[-1] :]]
        return dict(zip(sizes, parts, strict=True)), states[: len(state)]

    def compute_output_spec(self, inputs: Any, state: list, memory: dict, *_: Any, **__: Any) -> Any:
        sizes = self.cell.part_sizes({name: tensor.shape for name, tensor in memory.items()})
        parts = {
            name: keras.KerasTensor((*inputs.shape[:2], size), dtype=self.compute_dtype) for name, size in sizes.items()
        }
        return parts, [keras.KerasTensor(leaf.shape, dtype=self.compute_dtype) for leaf in state]

    def get_config(self) -> dict:
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict) -> Unroll:
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})
