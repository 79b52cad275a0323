"""The recurrent decoder: with attention, or with one fixed vector as in the models before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import UserError, expect, one_of
from keras_attn.layers import (
    Attention,
    AttentionCell,
    ContextCell,
    DeepOutput,
    Dropout,
    GRUCell,
    LuongCell,
    MemoryCell,
    MultiHeadReader,
    Unroll,
)
from keras_attn.models import mechanisms
from keras_attn.models.decoders.wiring import Wiring
from keras_attn.models.encoders.rnn import Cell, check_sizes
from keras_attn.models.encoding import Encoding


@dataclass(frozen=True)
class RNNDecoder:
    """p(y_i | y_<i, x) = softmax(g(y_{i-1}, s_i, c_i)).

    Args:
        units: width of the state.
        layers: how many cells are stacked; attention asks with the top one's state.
        cell: "rnn", "lstm" or "gru".
        attention: the name of a scoring, "additive" (Bahdanau), "dot", "general", "concat" (Luong), "scaled_dot",
            "multi_head" (Vaswani), "tanh_sum", "cosine", "location", or None: the source is then one fixed vector C,
            the encoder's last states side by side.
        query: who asks: "previous_state" (Bahdanau), "state" (Luong), "token", or "token_and_state", the token with
            the previous state.
        weighing: from scores to weights: "softmax", "sparsemax", "top_k", "sigmoid", or "straight_through", hard
            attention by the Gumbel trick.
        window: what part of the source is looked at: all (None), "local_monotonic" or "local_predictive" (Luong).
        fusion: how context and token (before the step), or context and state (after it, with query "state"), become
            one: "concat", "linear" (`attn_combine`), "attentional" (Luong), "gated", "weighted_sum"; if None,
            "attentional" after the step and "concat" before it, as in the papers.
        input_feeding: with query "state", what attention made of the last step enters the next one.
        attention_units: width of the hidden layer of a scoring or a window, and of all heads together; `units` if
            None.
        heads: number of heads of "multi_head".
        top_k: how many words the weighing "top_k" reads.
        window_width: how many words to each side of its center a window shows (Luong's D).
        max_source_length: how many places the scoring "location" learns a score for.
        fixed_vector: without attention, what C does: "initial" makes the first state only (Sutskever et al. 2014),
            "every_step" also enters every step, and the deep output if there is one (Cho et al. 2014).
        embedding: width of the word vectors.
        deep_output: a maxout layer over state, previous word and context before the softmax (Bahdanau, A.2.2).
        tied: the softmax uses the target embeddings (Press and Wolf 2017).
        dropout: share of embeddings and of what enters the softmax that is dropped in training, 0 to below 1.

    Source: Bahdanau et al. 2015, section 3.1 and appendix A.2; with query "state", Luong et al. 2015. With attention
    "location", query "token_and_state" and fusion "linear" it is the decoder of PyTorch's tutorial (Robertson 2017),
    but for the tutorial's relu before the GRU (`LinearFusion("relu")` has it) and its GRU's reset gate, which stands
    behind the matrix.
    """

    units: int = 256
    layers: int = 1
    cell: Cell = "gru"
    attention: str | None = "additive"
    query: str = "previous_state"
    weighing: str = "softmax"
    window: str | None = None
    fusion: str | None = None
    input_feeding: bool = True
    attention_units: int | None = None
    heads: int = 4
    top_k: int = 4
    window_width: int = 10
    max_source_length: int = 128
    fixed_vector: Literal["initial", "every_step"] = "initial"
    embedding: int = 256
    deep_output: bool = False
    tied: bool = False
    dropout: float = 0.2

    def __post_init__(self) -> None:
        counts = ("units", "layers", "embedding", "heads", "top_k", "window_width", "max_source_length")
        check_sizes(self, counts, ("dropout",))
        one_of("attention", self.attention, (*mechanisms.ATTENTIONS, None))
        one_of("query", self.query, mechanisms.QUERIES)
        one_of("weighing", self.weighing, mechanisms.WEIGHINGS)
        one_of("window", self.window, (*mechanisms.WINDOWS, None))
        one_of("fusion", self.fusion, (*mechanisms.FUSIONS, None))
        units = self.attention_units
        expect(units is None or units >= 1, "attention_units", "at least 1 or None", units)
        self._check_combination()
        vectors = ("initial", "every_step")
        expect(self.fixed_vector in vectors, "fixed_vector", "'initial' or 'every_step'", self.fixed_vector)
        if self.attention is not None and self.fixed_vector != "initial":
            raise UserError("fixed_vector: with attention the source is no fixed vector; give attention=None too")
        if self.tied and not self.deep_output and self.units != self.embedding:
            raise UserError(
                f"tied: expected `units` ({self.units}) equal to `embedding` ({self.embedding}), or "
                "`deep_output=True`, whose width is the embedding's"
            )

    def _check_combination(self) -> None:
        """Refuse what makes no sense together, and say why."""
        plain = RNNDecoder.__dataclass_fields__
        if self.attention is None:
            for name in ("query", "weighing", "window", "fusion", "input_feeding"):
                if getattr(self, name) != plain[name].default:
                    raise UserError(f"{name}: without attention there is nothing to set it for; give `attention` too")
            return
        if self.attention == "multi_head":
            for name in ("weighing", "window"):
                if getattr(self, name) != plain[name].default:
                    raise UserError(
                        f"{name}: each head of attention='multi_head' has a softmax over the whole source; choose a "
                        "scoring, such as 'scaled_dot', to change that"
                    )
            width = self.attention_units or self.units
            expect(width % self.heads == 0, "heads", f"a divisor of the width of all heads, {width}", self.heads)
        after = self.query == "state"
        if not after and not self.input_feeding:
            raise UserError(
                "input_feeding: only with query='state' is the source read after the step; with "
                f"query={self.query!r} it is read before, and the context enters the step by `fusion`"
            )
        if after and self.fusion == "concat":
            raise UserError(
                "fusion: with query='state', context and state side by side would be wider than what is fed to the "
                "next step and goes into the softmax; 'linear' is the same with a matrix"
            )
        if after and self.deep_output:
            raise UserError(
                "deep_output: it joins state, word and context itself, and with query='state' `fusion` has done so; "
                "choose another query, or leave one of the two out"
            )

    def wire(self, vocabulary: int, embed: Callable[..., Any]) -> Wiring:
        """Make the layers once; `embed(ids)` gives word vectors."""
        cell = self._cell()
        unroll = Unroll(cell, name="decoder")
        firsts = [
            keras.layers.Dense(size, activation="tanh", name=f"first_state_{index}")
            for index, size in enumerate(keras.tree.flatten(cell.cell.state_size))
        ]
        embed_dropout = Dropout(self.dropout, name="target_dropout")
        output_dropout = Dropout(self.dropout, name="output_dropout")
        deep = DeepOutput(self.embedding, name="deep_output") if self.deep_output else None
        project = None if self.tied else keras.layers.Dense(vocabulary, name="logits")

        def start(encoding: Encoding) -> tuple[dict, dict]:
            self._check_widths(encoding.sequence.shape[-1])
            # With attention the paper starts from the backward state that has read the whole source up to word 1.
            summary = encoding.finals[-1] if self.attention else _join(encoding.finals)
            states = [first(summary) for first in firsts]  # (batch, units) each
            if len(cell.state_size) > len(firsts):
                states.append(ops.zeros_like(states[-1]))  # no step yet whose attentional vector could be fed
            state = {"decoder": states}
            if self.attention:
                project_key, project_value = cell.attention.project_key, cell.attention.project_value
                key = project_key(encoding.sequence)  # (batch, source_length, units)
                value = encoding.sequence if project_value is None else project_value(encoding.sequence)
                return {"key": key, "value": value, "mask": encoding.mask}, state
            return ({"vector": summary} if self.fixed_vector == "every_step" else {}), state

        def step(tokens: Any, position: Any, memory: dict, state: dict) -> tuple[Any, dict, dict]:
            embedded = embed_dropout(embed(tokens))  # (batch, n, embedding)
            parts, states = unroll(embedded, state["decoder"], memory, position=position)
            hidden = parts["output"]  # (batch, n, units)
            if deep is not None:
                context = [parts["context"]] if "context" in parts else []
                hidden = deep([hidden, embedded, *context])  # (batch, n, embedding)
            weights = {"decoder": ops.expand_dims(parts["weights"], 1)} if "weights" in parts else {}
            return output_dropout(hidden), {"decoder": states}, weights

        return Wiring(start, step, project)

    def _cell(self) -> keras.layers.Layer:
        make = {"rnn": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": GRUCell}[self.cell]
        cells = [make(self.units) for _ in range(self.layers)]
        inner = cells[0] if self.layers == 1 else keras.layers.StackedRNNCells(cells)
        if self.attention:
            attention = self._attention()
            fusion = mechanisms.FUSIONS[self.fusion]() if self.fusion else None
            if self.query == "state":
                return LuongCell(inner, attention, fusion=fusion, input_feeding=self.input_feeding, name="cell")
            return AttentionCell(inner, attention, self.query, fusion, name="cell")  # type: ignore[arg-type]
        return (ContextCell if self.fixed_vector == "every_step" else MemoryCell)(inner, name="cell")

    def _attention(self) -> Attention | MultiHeadReader:
        units = self.attention_units or self.units
        if self.attention == "multi_head":
            return MultiHeadReader(self.heads, units // self.heads)
        assert self.attention is not None
        return Attention(
            mechanisms.make_scoring(self.attention, units, self._query_width, self.max_source_length),
            mechanisms.make_weighing(self.weighing, self.top_k),
            mechanisms.make_window(self.window, self.window_width, units),
        )

    @property
    def _query_width(self) -> int:
        both = self.embedding + self.units
        return {"token": self.embedding, "token_and_state": both}.get(self.query, self.units)

    def _check_widths(self, features: int) -> None:
        if self.attention in mechanisms.ONE_WIDTH and features != self._query_width:
            raise UserError(
                f"attention: {self.attention!r} multiplies query and annotations part by part, but the query "
                f"({self.query}) is {self._query_width} wide and the annotations {features}; make them equal (a "
                "bidirectional encoder gives twice its units), or choose 'general', which has a matrix in between"
            )


def _join(finals: tuple) -> Any:
    return finals[0] if len(finals) == 1 else ops.concatenate(finals, -1)
