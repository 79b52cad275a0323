"""One row for each layer and each model: what the conformance tests run over.

Sizes are primes, and no two dimensions have the same, so that no transpose hides.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, tree

from keras_attn.layers import AdditiveScoring, Attention, AttentionCell, ContextCell, DeepOutput, MemoryCell, Unroll
from keras_attn.models import RNNDecoder, RNNEncoder, Views, seq2seq
from keras_attn.testing.specimen import LENGTHS, SIZES, Spec, Specimen, fill

KEY_LENGTHS, QUERY_LENGTHS = LENGTHS["key_length"], LENGTHS["query_length"]


@dataclass(frozen=True)
class LayerRow(Specimen):
    """A specimen, and how the tests find their way in its outputs."""

    def visible(self, arrays: dict[str, Any]) -> np.ndarray:
        """Who may look where by these arguments, (batch, query_length, key_length): the rule written once more."""
        may = np.ones(WEIGHTS.shape, bool)
        key_mask = arrays.get("value_mask", arrays.get("memory", {}).get("mask"))
        if key_mask is not None:
            may &= key_mask[:, None, :]
        if "query_mask" in arrays:
            may &= arrays["query_mask"][:, :, None]
        if "attention_mask" in arrays:
            may &= arrays["attention_mask"]
        if self.options.get("use_causal_mask"):
            may &= np.tri(*WEIGHTS.shape[1:], dtype=bool)
        return may

    def weights(self, outputs: Any) -> Any:
        """The attention weights among the outputs."""
        return outputs[0]["weights"] if self.name.startswith("unroll") else outputs[1]

    @property
    def attends(self) -> bool:
        """Whether attention weights are among the outputs."""
        return any(spec is WEIGHTS for spec in tree.flatten(self.outputs)) and self.outputs is not WEIGHTS


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


def unroll(kind: str, name: str) -> LayerRow:
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
    return LayerRow(f"unroll-{kind}-{name}", layer, inputs, (parts, state))


def _rows() -> list[Specimen]:
    """What the files of `rows/` list, file by file."""
    files = sorted((Path(__file__).parent / "rows").glob("*.py"))
    return [row for file in files for row in importlib.import_module(f"rows.{file.stem}").ROWS]


LAYERS = [
    LayerRow(
        "additive-scoring",
        lambda: AdditiveScoring(SIZES["hidden"]),
        {"query": QUERY, "key": Spec("batch key_length hidden")},
        WEIGHTS,
    ),
    LayerRow("attention", attention, {"query": QUERY, "value": VALUE}, CONTEXT),
    LayerRow(
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
    LayerRow(
        "attention-causal",
        attention,
        {"query": QUERY, "value": VALUE, "attention_mask": Spec("batch query_length key_length", "mask")},
        (CONTEXT, WEIGHTS),
        {"return_attention_scores": True, "use_causal_mask": True},
    ),
    LayerRow(
        "deep-output",
        lambda: DeepOutput(SIZES["units"]),
        {"parts": [QUERY, Spec("batch query_length features"), Spec("batch query_length embedding")]},
        Spec("batch query_length units"),
    ),
    *(unroll(kind, name) for kind in MEMORIES for name in CELLS),
]


# Models


@dataclass(frozen=True)
class ModelRow:
    """An encoder with a decoder, its inputs, and its views with weights that are not small."""

    name: str
    encoder: RNNEncoder
    decoder: RNNDecoder
    vocabularies: tuple[int, int] = (31, 37)
    share_embeddings: bool = False

    @functools.cache  # noqa: B019  # rows live as long as the tests
    def views(self, policy: str = "float32") -> Views:
        """Built once for each dtype policy, with the same weights. Do not train them: `fresh` is for that."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return self.fresh()
        finally:
            keras.config.set_dtype_policy(before)

    def fresh(self) -> Views:
        """New layers with the same weights."""
        views = seq2seq(
            self.encoder,
            self.decoder,
            *self.vocabularies,
            share_embeddings=self.share_embeddings,
        )
        fill(views.training.weights)
        return views

    @property
    def attends(self) -> bool:
        return self.decoder.attention is not None

    def source(self) -> np.ndarray:
        """Ids (batch, source_length), padded with 0."""
        return ids(2, self.vocabularies[0], KEY_LENGTHS)

    def target(self) -> np.ndarray:
        """Ids (batch, target_length) as the decoder reads them: start, then tokens; padded with 0."""
        target = ids(3, self.vocabularies[1], QUERY_LENGTHS)
        target[:, 0] = 2
        return target

    def inputs(self) -> dict[str, np.ndarray]:
        return {"source": self.source(), "target": self.target()}


def step(views: Views, tokens: Any, memory: dict, state: dict, position: int = 0) -> dict[str, Any]:
    """One call of the step view."""
    given = {"tokens": tokens, "position": np.int32(position), "memory": memory, "state": state}
    return views.step(tree.map_structure(keras.ops.convert_to_tensor, given))  # Keras takes no mixture


def _models() -> list[ModelRow]:
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


MODELS = _models()


def over(rows: list[Any]) -> pytest.MarkDecorator:
    """Run a test once for each row."""
    assert rows
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


every_layer, every_model = over(LAYERS), over(MODELS)
attending_layers = over([row for row in LAYERS if row.attends])
attending_models = over([row for row in MODELS if row.attends])
unrolled_layers = over([row for row in LAYERS if row.name.startswith("unroll")])


# Numbers


def ids(seed: int, vocabulary: int, lengths: tuple[int, ...]) -> np.ndarray:
    """Ids above the special ones, (batch, longest), padded with 0."""
    drawn = np.random.default_rng(seed).integers(4, vocabulary, (len(lengths), max(lengths)), dtype="int32")
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], drawn, 0).astype("int32")


def numpy(nested: Any) -> Any:
    """Tensors of any backend as NumPy arrays; bfloat16 as float32."""

    def convert(tensor: Any) -> np.ndarray:
        narrow = keras.backend.standardize_dtype(tensor.dtype) == "bfloat16"
        return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32") if narrow else tensor)

    return tree.map_structure(convert, nested)


def same(first: Any, second: Any, tolerance: float = 0.0) -> None:
    """Assert that two nested structures hold the same numbers."""
    tree.assert_same_structure(first, second)
    for one, other in zip(tree.flatten(first), tree.flatten(second), strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
