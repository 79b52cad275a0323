"""A recurrent cell beside a memory: the part that attention and the fixed vector have in common."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect


@keras.saving.register_keras_serializable("keras_attn")
class MemoryCell(keras.layers.Layer):
    """s_i = f(s_{i-1}, [y_{i-1}; what `look` reads]); here nothing is read: the decoder of Sutskever et al. 2014.

    A subclass names what its memory holds and says how it looks into it. Use it inside `Unroll`.

    Args:
        cell: a Keras recurrent cell, or `StackedRNNCells`.

    Call arguments:
        inputs: the embedded previous token, (batch, features).
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

    def look(self, top_state: Any, memory: list) -> dict[str, Any]:
        """What is read before the step: name -> (batch, width). "context" enters the cell; all are put out."""
        return {}

    def look_sizes(self, memory_shape: dict) -> dict[str, Any]:
        """Widths of what `look` reads, from the memory's shapes by name."""
        return {}

    def part_sizes(self, memory_shape: dict) -> dict[str, Any]:
        """Widths of the parts of one output, in order."""
        return {"output": self.cell.output_size, **self.look_sizes(memory_shape)}

    def build(self, input_shape: Any, memory_shape: dict) -> None:
        context = self.look_sizes(memory_shape).get("context", 0)
        if not self.cell.built:
            self.cell.build((input_shape[0], input_shape[-1] + context))
        self.built = True

    def call(self, inputs: Any, states: list, training: bool | None = None) -> tuple[Any, list]:
        count = len(self.state_size)
        own, memory = list(states[:count]), list(states[count:])
        seen = self.look(own[self.top], memory)
        if "context" in seen:
            inputs = ops.concatenate([inputs, seen["context"]], -1)
        nested = own if count == 1 else keras.tree.pack_sequence_as(self.cell.state_size, own)
        output, new = self.cell(inputs, nested, training=training)
        parts = ops.concatenate([output, *seen.values()], -1) if seen else output
        return parts, [*keras.tree.flatten(new), *memory]

    def get_config(self) -> dict:
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict) -> MemoryCell:
        layers = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("cell", "attention")
            if name in config
        }
        return cls(**{**config, **layers})
