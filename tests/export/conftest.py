"""One untrained translator, exported once, for all tests of the export."""

from __future__ import annotations

import pytest
from catalogue import fill

from keras_attn.decoding import Beam
from keras_attn.export import TextToText
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
from keras_attn.text import Tokenizer

PAIRS = [
    ("a man rides a horse", "ein Mann reitet ein Pferd"),
    ("two women are eating", "zwei Frauen essen"),
    ("a horse eats", "ein Pferd frißt"),
]


@pytest.fixture(scope="session")
def text():
    return Tokenizer.train(PAIRS, vocabulary_size=300, model="bpe")


@pytest.fixture(scope="session")
def views(text):
    views = seq2seq(
        RNNEncoder(units=5, embedding=7),
        RNNDecoder(units=11, embedding=7, attention="additive"),
        source_vocabulary=text.source.size,
        target_vocabulary=text.target.size,
    )
    fill(views.training.weights, 0)
    return views


@pytest.fixture(scope="session")
def translate(views, text):
    """Strings in, gibberish out: what it says depends on every weight and every letter."""
    return TextToText(views, text, several=Beam(5, n_best=3), max_source_length=20)


@pytest.fixture(scope="session")
def saved(translate, tmp_path_factory):
    """The folder of its SavedModel. Do not write there."""
    return translate.save(tmp_path_factory.mktemp("models") / "gibberish" / "1")


@pytest.fixture
def lines():
    """Ordinary and odd lines, not sorted by length."""
    return [
        "a man rides a horse",
        "",
        "two women",
        "Zwei Männer, 日本語 ☕ \u202e\x00 " * 3,  # cut: more than 20 tokens
        "horse",
        " ",
        "a lone surrogate \udce9",
        "tab\tand\nline",
    ]
