"""One row for each layer and each model: what the conformance tests run over; layers also in the files of `rows/`."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import layers, tree

from keras_attn.layers import AdditiveScoring, Attention, AttentionCell, ContextCell, DeepOutput, MemoryCell, Unroll
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, Views, seq2seq
from keras_attn.testing.arrays import numpy as numpy
from keras_attn.testing.model_specimen import ModelSpecimen, drawn
from keras_attn.testing.model_subject import ModelSubject, asked
from keras_attn.testing.specimen import LENGTHS, SIZES, Spec, Specimen, fill

KEY_LENGTHS, QUERY_LENGTHS = LENGTHS["key_length"], LENGTHS["query_length"]


def attention() -> Attention:
    return Attention(AdditiveScoring(SIZES["hidden"]))


QUERY, KEY, VALUE = (
    Spec("batch query_length query_features"),
    Spec("batch key_length key_features"),
    Spec("batch key_length features"),
)
CONTEXT, WEIGHTS = Spec("batch query_length features"), Spec("batch query_length key_length", "weights")

MEMORIES = {
    "memory": {},
    "context": {"vector": Spec("batch features")},
    "attention": {
        "key": Spec("batch key_length hidden"),
        "value": VALUE,
        "mask": Spec("batch key_length", "mask"),
    },
}


def cell(kind: str, units: int) -> layers.Layer:
    # Keras' default, an orthogonal matrix, cannot be computed in bfloat16.
    kinds = {"rnn": layers.SimpleRNNCell, "lstm": layers.LSTMCell, "gru": layers.GRUCell}
    more = {"reset_after": False} if kind == "gru" else {}
    return kinds[kind](units, recurrent_initializer="glorot_uniform", **more)


CELLS = {
    "rnn": (lambda: cell("rnn", SIZES["units"]), ["units"]),
    "lstm": (lambda: cell("lstm", SIZES["units"]), ["units", "units"]),
    "gru": (lambda: cell("gru", SIZES["units"]), ["units"]),
    "stack": (
        lambda: layers.StackedRNNCells([cell("lstm", SIZES["below"]), cell("gru", SIZES["units"])]),
        ["below", "below", "units"],
    ),
}


def unroll(kind: str, name: str) -> Specimen:
    make, states = CELLS[name]

    def layer() -> Unroll:
        if kind == "attention":
            return Unroll(AttentionCell(make(), attention()))
        return Unroll((ContextCell if kind == "context" else MemoryCell)(make()))

    state = [Spec(f"batch {size}") for size in states]
    parts = {"output": Spec("batch query_length units")}
    if kind != "memory":
        parts["context"] = CONTEXT
    if kind == "attention":
        parts["weights"] = WEIGHTS
    inputs = {"inputs": Spec("batch query_length embedding"), "state": state, "memory": MEMORIES[kind]}
    claims = frozenset({"sums to one", "positive", "key order", "causal"})
    return Specimen(f"unroll-{kind}-{name}", layer, inputs, (parts, state), claims=claims)


def _rows() -> list[Specimen]:
    """What the files of `rows/` list, file by file."""
    files = sorted((Path(__file__).parent / "rows").glob("*.py"))
    return [row for file in files for row in importlib.import_module(f"rows.{file.stem}").ROWS]


LAYERS = [
    Specimen(
        "additive-scoring",
        lambda: AdditiveScoring(SIZES["hidden"]),
        {"query": QUERY, "key": Spec("batch key_length hidden")},
        Spec("batch query_length key_length"),
    ),
    Specimen("attention", attention, {"query": QUERY, "value": VALUE}, CONTEXT),
    Specimen(
        "attention-masked",
        attention,
        {
            "query": QUERY,
            "value": VALUE,
            "key": KEY,
            "query_mask": Spec("batch query_length", "mask"),
            "value_mask": Spec("batch key_length", "mask"),
        },
        (CONTEXT, WEIGHTS),
        {"return_attention_scores": True},
    ),
    Specimen(
        "attention-causal",
        attention,
        {"query": QUERY, "value": VALUE, "attention_mask": Spec("batch query_length key_length", "mask")},
        (CONTEXT, WEIGHTS),
        {"return_attention_scores": True, "use_causal_mask": True},
    ),
    Specimen(
        "deep-output",
        lambda: DeepOutput(SIZES["units"]),
        {"parts": [QUERY, Spec("batch query_length features"), Spec("batch query_length embedding")]},
        Spec("batch query_length units"),
    ),
    *(unroll(kind, name) for kind in MEMORIES for name in CELLS),
    *_rows(),
]


# Models


@dataclass(frozen=True)
class ModelRow:
    """An encoder with a decoder, its inputs, and its views with weights that are not small."""

    name: str
    encoder: RNNEncoder | TransformerEncoder
    decoder: RNNDecoder | TransformerDecoder
    vocabularies: tuple[int, int] = (31, 37)
    share_embeddings: bool = False
    claims: frozenset[str] = frozenset({"sums to one", "positive"})

    @functools.cached_property
    def subject(self) -> ModelSubject:
        """What the promises look at."""
        return ModelSubject(ModelSpecimen(self.name, self._new, *self.vocabularies, self.claims))

    def views(self, policy: str = "float32") -> Views:
        """Built once for each dtype policy, with the same weights. Do not train them: `fresh` is for that."""
        return self.subject.views(policy)

    def fresh(self) -> Views:
        """New layers with the same weights."""
        views = self._new()
        fill(views.training.weights)
        return views

    def _new(self) -> Views:
        return seq2seq(self.encoder, self.decoder, *self.vocabularies, share_embeddings=self.share_embeddings)

    @property
    def attends(self) -> bool:
        return bool(self.readers)

    @property
    def readers(self) -> dict[str, int]:
        """What reads the source, and its number of heads."""
        decoder = self.decoder
        if isinstance(decoder, RNNDecoder):
            return {"decoder": 1} if decoder.attention else {}
        heads = decoder.heads if decoder.attention == "multi_head" else 1
        return {f"decoder_{index}": heads for index in range(decoder.layers)}

    def source(self) -> np.ndarray:
        """Ids (batch, source_length), padded with 0."""
        return self.subject.source()

    def target(self) -> np.ndarray:
        """Ids (batch, target_length) as the decoder reads them: start, then tokens; padded with 0."""
        return self.subject.target()

    def inputs(self) -> dict[str, np.ndarray]:
        return self.subject.inputs


def step(views: Views, tokens: Any, memory: dict, state: dict, position: int = 0) -> dict[str, Any]:
    """One call of the step view."""
    return views.step(asked(tokens, {"memory": memory, "state": state}, position))


def _recurrent() -> list[ModelRow]:
    rows = []
    for cell in ("rnn", "lstm", "gru"):
        encoder = RNNEncoder(units=7, cell=cell, embedding=5, dropout=0.1)
        sizes: dict[str, Any] = {"units": 11, "cell": cell, "embedding": 13, "dropout": 0.1}
        rows += [
            ModelRow(f"{cell}-additive", encoder, RNNDecoder(**sizes, attention_units=17)),
            ModelRow(f"{cell}-initial", encoder, RNNDecoder(**sizes, attention=None)),
            ModelRow(f"{cell}-every-step", encoder, RNNDecoder(**sizes, attention=None, fixed_vector="every_step")),
        ]
    one_way = RNNEncoder(units=7, embedding=5, bidirectional=False)
    stacked = RNNEncoder(units=7, embedding=5, layers=2, cell="lstm")
    gru: dict[str, Any] = {"units": 11, "embedding": 13}
    return [
        *rows,
        ModelRow("one-way-deep", one_way, RNNDecoder(**gru, deep_output=True)),
        ModelRow("stacked", stacked, RNNDecoder(**gru, layers=2, cell="lstm", attention_units=17)),
        ModelRow(
            "stacked-every-step-deep-tied",
            stacked,
            RNNDecoder(**gru, layers=2, attention=None, fixed_vector="every_step", deep_output=True, tied=True),
        ),
        ModelRow("one-way-initial-tied", one_way, RNNDecoder(units=13, embedding=13, attention=None, tied=True)),
        ModelRow(
            "shared-deep-tied",
            RNNEncoder(units=7, embedding=13),
            RNNDecoder(**gru, deep_output=True, tied=True),
            vocabularies=(37, 37),
            share_embeddings=True,
        ),
    ]


def _transformers() -> list[ModelRow]:
    """Few, since each costs ten seconds: every position and self-attention, both norms, scored readers, mixtures."""
    sizes: dict[str, Any] = {"layers": 2, "width": 12, "feed_forward": 17, "heads": 3, "dropout": 0.1}
    gru, usual = {"units": 7, "embedding": 5}, frozenset({"sums to one", "positive"})

    def row(name: str, encoder: Any, decoder: Any, missing: str = "", **more: Any) -> ModelRow:
        """A dict is fields of a Transformer's side."""
        encoder = TransformerEncoder(**sizes | encoder) if isinstance(encoder, dict) else encoder
        decoder = TransformerDecoder(**sizes | decoder) if isinstance(decoder, dict) else decoder
        return ModelRow(name, encoder, decoder, claims=usual - {missing}, **more)

    grouped = {"norm": "post", "position": "rotary", "activation": "swiglu", "self_attention": "grouped_query"}
    relative = {"position": "relative", "self_attention": "multi_query"}
    window = {"position": "alibi", "self_attention": "sliding_window", "self_window": 1}
    predictive = {"position": "learned", "attention": "general", "window": "local_predictive"}
    return [
        row("transformer-shared", {}, {}, vocabularies=(37, 37), share_embeddings=True),
        row(
            "transformer-grouped-sparsemax",
            grouped,
            grouped | {"attention": "general", "weighing": "sparsemax"},
            "positive",
        ),
        row("transformer-relative-multi-query", relative, relative),
        row("transformer-t5-alibi-additive", {"position": "t5"}, window | {"attention": "additive"}),
        row("gru-to-transformer", RNNEncoder(**gru), predictive, "sums to one"),
        row("transformer-to-gru", window, RNNDecoder(units=11, embedding=13)),
    ]


RECURRENT = _recurrent()
TRANSFORMERS = _transformers()
MODELS = [*RECURRENT, *TRANSFORMERS]


def over(rows: list[Any]) -> pytest.MarkDecorator:
    """Run a test once for each row."""
    assert rows
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


every_layer, every_model, every_recurrent = over(LAYERS), over(MODELS), over(RECURRENT)
attending_models = over([row for row in MODELS if row.attends])


# Numbers


ids = drawn


def same(first: Any, second: Any, tolerance: float = 0.0) -> None:
    """Assert that two nested structures hold the same numbers."""
    tree.assert_same_structure(first, second)
    for one, other in zip(tree.flatten(first), tree.flatten(second), strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
