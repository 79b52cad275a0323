"""The recurrent decoder: with attention, or with one fixed vector as in the models before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import UserError, expect
from keras_attn.layers import AdditiveScoring, Attention, AttentionCell, ContextCell, DeepOutput, MemoryCell, Unroll
from keras_attn.models.encoders.rnn import Cell, check_sizes
from keras_attn.models.encoding import Encoding

Step = Callable[[Any, Any, dict, dict], tuple[Any, dict, dict]]

SCORINGS: dict[str, Callable[[int], keras.layers.Layer]] = {"additive": AdditiveScoring}


@dataclass(frozen=True)
class RNNDecoder:
    """p(y_i | y_<i, x) = softmax(g(y_{i-1}, s_i, c_i)).

    Args:
        units: width of the state.
        layers: how many cells are stacked; attention's query is the top one's previous state.
        cell: "rnn", "lstm" or "gru".
        attention: the name of a scoring ("additive"), or None: the source is then one fixed vector C, the encoder's
            last states side by side.
        attention_units: width of the scoring's hidden layer; `units` if None.
        fixed_vector: without attention, what C does: "initial" makes the first state only (Sutskever et al. 2014),
            "every_step" also enters every step, and the deep output if there is one (Cho et al. 2014).
        embedding: width of the word vectors.
        deep_output: a maxout layer over state, previous word and context before the softmax (Bahdanau, A.2.2).
        tied: the softmax uses the target embeddings (Press and Wolf 2017).
        dropout: share of embeddings and of what enters the softmax that is dropped in training, 0 to below 1.

    Source: Bahdanau et al. 2015, section 3.1 and appendix A.2.
    """

    units: int = 256
    layers: int = 1
    cell: Cell = "gru"
    attention: str | None = "additive"
    attention_units: int | None = None
    fixed_vector: Literal["initial", "every_step"] = "initial"
    embedding: int = 256
    deep_output: bool = False
    tied: bool = False
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self, ("units", "layers", "embedding"), ("dropout",))
        names = ", ".join(repr(name) for name in SCORINGS)
        expect(self.attention in (None, *SCORINGS), "attention", f"one of {names} or None", self.attention)
        units = self.attention_units
        expect(units is None or units >= 1, "attention_units", "at least 1 or None", units)
        vectors = ("initial", "every_step")
        expect(self.fixed_vector in vectors, "fixed_vector", "'initial' or 'every_step'", self.fixed_vector)
        if self.tied and not self.deep_output and self.units != self.embedding:
            raise UserError(
                f"tied: expected `units` ({self.units}) equal to `embedding` ({self.embedding}), or "
                "`deep_output=True`, whose width is the embedding's"
            )

    def wire(self, vocabulary: int, embed: keras.layers.Layer) -> tuple[Callable[[Encoding], tuple], Step]:
        """Make the layers once.

        Returns:
            `start(encoding) -> memory, state` and `step(tokens, position, memory, state) -> logits, state, weights`.
        """
        cell = self._cell()
        unroll = Unroll(cell, name="decoder")
        firsts = [
            keras.layers.Dense(size, activation="tanh", name=f"first_state_{index}")
            for index, size in enumerate(cell.state_size)
        ]
        embed_dropout = keras.layers.Dropout(self.dropout, name="target_dropout")
        output_dropout = keras.layers.Dropout(self.dropout, name="output_dropout")
        deep = DeepOutput(self.embedding, name="deep_output") if self.deep_output else None
        project = None if self.tied else keras.layers.Dense(vocabulary, name="logits")

        def start(encoding: Encoding) -> tuple[dict, dict]:
            # With attention the paper starts from the backward state that has read the whole source up to word 1.
            summary = encoding.finals[-1] if self.attention else _join(encoding.finals)
            state = {"decoder": [first(summary) for first in firsts]}  # (batch, units) each
            if self.attention:
                key = cell.attention.scoring.project_key(encoding.sequence)  # (batch, source_length, units)
                return {"key": key, "value": encoding.sequence, "mask": encoding.mask}, state
            return ({"vector": summary} if self.fixed_vector == "every_step" else {}), state

        def step(tokens: Any, position: Any, memory: dict, state: dict) -> tuple[Any, dict, dict]:
            embedded = embed_dropout(embed(tokens))  # (batch, n, embedding)
            parts, states = unroll(embedded, state["decoder"], memory)
            hidden = parts["output"]  # (batch, n, units)
            if deep is not None:
                context = [parts["context"]] if "context" in parts else []
                hidden = deep([hidden, embedded, *context])  # (batch, n, embedding)
            hidden = output_dropout(hidden)
            logits = embed(hidden, reverse=True) if project is None else project(hidden)  # (batch, n, vocabulary)
            weights = {"decoder": ops.expand_dims(parts["weights"], 1)} if "weights" in parts else {}
            return logits, {"decoder": states}, weights

        return start, step

    def _cell(self) -> keras.layers.Layer:
        make = {"rnn": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": _paper_gru}[self.cell]
        cells = [make(self.units) for _ in range(self.layers)]
        inner = cells[0] if self.layers == 1 else keras.layers.StackedRNNCells(cells)
        if self.attention:
            scoring = SCORINGS[self.attention](self.attention_units or self.units)
            return AttentionCell(inner, Attention(scoring), name="cell")
        return (ContextCell if self.fixed_vector == "every_step" else MemoryCell)(inner, name="cell")


def _paper_gru(units: int) -> keras.layers.Layer:
    return keras.layers.GRUCell(units, reset_after=False)


def _join(finals: tuple) -> Any:
    return finals[0] if len(finals) == 1 else ops.concatenate(finals, -1)
