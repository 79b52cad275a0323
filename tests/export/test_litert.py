"""LiteRT writes what we write, one sentence at a time, with every kind of memory and state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill

from keras_attn.errors import UserError
from keras_attn.export import Agreement, TextToText, litert, to_litert
from keras_attn.export.litert_check import greedy_litert
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.text import Tokenizer

SIZES: dict[str, Any] = {"layers": 2, "width": 22, "heads": 2, "feed_forward": 13}
ROTARY = SIZES | {"position": "rotary", "width": 24}
RNN: dict[str, Any] = {"units": 5, "embedding": 7}
KINDS: dict[str, tuple] = {
    "gru": (RNNEncoder(**RNN), RNNDecoder(**RNN)),
    "lstm": (RNNEncoder(cell="lstm", layers=2, **RNN), RNNDecoder(cell="lstm", attention="general", **RNN)),
    "no attention": (RNNEncoder(**RNN), RNNDecoder(attention=None, **RNN)),
    "transformer": (TransformerEncoder(**SIZES), TransformerDecoder(**SIZES)),
    "rotary": (TransformerEncoder(**ROTARY), TransformerDecoder(**ROTARY)),
}


def make(kind):
    text = Tokenizer.train([("a man rides a horse", "ein Mann"), ("women", "Pferd")], vocabulary_size=300, model="bpe")
    views = seq2seq(*KINDS[kind], text.source.size, text.target.size)
    fill(views.training.weights, 3)
    return views, text


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_what_we_write(kind, tmp_path, lines):
    views, text = make(kind)
    ours = TextToText(views, text, max_source_length=20, length_factor=0.5, length_extra=3)
    folder = to_litert(views, text, tmp_path / "new" / "1")
    wanted = ours(lines)
    found = Agreement.of(lines, wanted, greedy_litert(folder, text, ours, lines))
    assert (found.identical, found.differences) == (len(lines), [])
    assert len(set(wanted.text)) > 2
    assert Tokenizer.load(folder / "tokenizer").fingerprint == text.fingerprint


def test_matrices_may_be_stored_in_fewer_bits(tmp_path):
    text = make("gru")[1]
    views = seq2seq(RNNEncoder(units=64), RNNDecoder(units=64), text.source.size, text.target.size)
    sizes = {}
    for name in (None, "float16", "int8"):
        folder = to_litert(views, text, tmp_path / str(name), quantization=name)
        sizes[name] = (folder / "model.tflite").stat().st_size
    assert sizes["float16"] < 0.7 * sizes[None]
    assert sizes["int8"] < 0.7 * sizes["float16"]
    with pytest.raises(UserError, match="quantization: expected one of 'int8', 'float16', got 'int4'"):
        to_litert(views, text, tmp_path / "4", quantization="int4")


def test_what_cannot_be_converted_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    module = tf.Module()
    module.start = module.step = tf.function(
        lambda text: {"n": tf.strings.length(text)}, input_signature=[tf.TensorSpec([1], tf.string, name="text")]
    )
    monkeypatch.setattr(litert, "_module", lambda views: module)
    with pytest.raises(UserError, match=r"format: this model is not supported by .* LiteRT, because .*StringLength"):
        to_litert(None, None, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_a_check_that_fails_leaves_nothing(tmp_path):
    views, text = make("gru")

    def check(folder):
        assert (folder / "model.tflite").is_file()
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        to_litert(views, text, tmp_path / "1", check=check)
    assert list(tmp_path.iterdir()) == []


def test_the_layers_are_as_before(tmp_path):
    views, text = make("gru")
    to_litert(views, text, tmp_path / "1")
    layers = [*views.encoder._flatten_layers(), *views.step._flatten_layers()]
    assert not any(getattr(layer, "unroll", False) for layer in layers)
    assert {layer.use_cudnn for layer in layers if hasattr(layer, "use_cudnn")} == {"auto"}
    np.testing.assert_equal(TextToText(views, text)(["a"]).truncated, [False])
