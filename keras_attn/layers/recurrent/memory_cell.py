"""A recurrent cell beside a memory: the part that attention and the fixed vector have in common."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect


@keras.saving.register_keras_serializable("keras_attn")
class MemoryCell(keras.layers.Layer):
    """s_i = f(s_{i-1}, y_{i-1}) beside a memory, which is not looked at here: the decoder of Sutskever et al. 2014.

    A subclass names what its memory holds and says in `advance` how it looks into it. Use it inside `Unroll`.

    Args:
        cell: a Keras recurrent cell, or `StackedRNNCells`.

    Call arguments:
        inputs: the embedded previous token, (batch, features), and the `columns` of the step.
        states: the cell's own states as a flat list, then the memory in the order of `memory_names`.

    Returns:
        The parts of `part_sizes` side by side, (batch, sum of widths), and the new states with the same memory.
    """

    memory_names: tuple[str, ...] = ()

    def __init__(self, cell: keras.layers.Layer, **kwargs: Any):
        super().__init__(**kwargs)
        for inner in cell.cells if isinstance(cell, keras.layers.StackedRNNCells) else [cell]:
            # Keras' RNN draws and resets the masks of dropout only in a cell that it sees directly.
            dropout = max(getattr(inner, "dropout", 0.0), getattr(inner, "recurrent_dropout", 0.0))
            expect(not dropout, "cell", "a cell without dropout (put a Dropout layer before or after)", dropout)
        self.cell = cell
        self.state_size = keras.tree.flatten(cell.state_size)
        # Where the state that is the cell's output stands in that list (an LSTM's carry follows it).
        below = cell.cells[:-1] if isinstance(cell, keras.layers.StackedRNNCells) else []
        self.top = sum(len(keras.tree.flatten(lower.state_size)) for lower in below)

    def columns(self, inputs: Any, memory: dict, position: Any, training: bool | None) -> list[Any]:
        """What steps are told beside their tokens, (batch, n, width) each, as Keras' RNN hands a cell one tensor."""
        return []

    def advance(self, inputs: Any, states: list, memory: list, training: bool | None) -> tuple[dict[str, Any], list]:
        """One step: the parts of the output by name, "output" first, (batch, width) each, and the new states."""
        output, new = self.step(inputs, states, training)
        return {"output": output}, new

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        """Widths of the parts of one output, in order, from the memory's shapes by name."""
        return {"output": self.cell.output_size}

    def input_size(self, features: int, memory_shape: dict) -> int:
        """Width of what enters the inner cell, from the width of a token."""
        return features

    def step(self, inputs: Any, states: list, training: bool | None) -> tuple[Any, list]:
        """The inner cell: its output and its new states, flat."""
        nested = states if len(states) == 1 else keras.tree.pack_sequence_as(self.cell.state_size, states)
        output, new = self.cell(inputs, nested, training=training)
        return output, keras.tree.flatten(new)

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        if not self.cell.built:
            self.cell.build((input_shape[0], self.input_size(input_shape[-1], memory_shape)))
        self.built = True

    def call(self, inputs: Any, states: list, training: bool | None = None) -> tuple[Any, list]:
        count = len(self.state_size)
        own, memory = list(states[:count]), list(states[count:])
        parts, new = self.advance(inputs, own, memory, training)
        return ops.concatenate(list(parts.values()), -1), [*new, *memory]

    def get_config(self) -> dict:
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict) -> MemoryCell:
        layers = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("cell", "attention", "fusion")
            if name in config
        }
        return cls(**{**config, **layers})
