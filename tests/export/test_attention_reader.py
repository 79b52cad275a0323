"""Attention of every layer and head to given targets, alone or in a batch."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import fill, numpy

from keras_attn.decoding.beginning import roomy
from keras_attn.errors import UserError
from keras_attn.export import AttentionReader
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.text import Tokenizer

PAIRS = [("a man rides a horse", "ein Mann"), ("two women", "zwei Frauen essen ein Pferd"), ("", "Pferd"), ("a", "")]
SOURCES, TARGETS = (list(side) for side in zip(*PAIRS, strict=True))
SIZES = {"layers": 2, "width": 9, "heads": 3, "feed_forward": 7}


@pytest.fixture(scope="module")
def text():
    return Tokenizer.train(PAIRS[:2], vocabulary_size=300, model="bpe")


def make(kind):
    encoder, decoder = {
        "recurrent": (RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7)),
        "transformer": (TransformerEncoder(**SIZES), TransformerDecoder(**SIZES)),
        "without": (RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7, attention=None)),
    }[kind]
    views = seq2seq(encoder, decoder, 300, 300)
    fill(views.training.weights, 1)
    return views


@pytest.fixture(scope="module", params=["recurrent", "transformer"])
def views(request):
    return make(request.param)


@pytest.fixture(scope="module")
def read(views, text):
    return AttentionReader(views, text)


def test_row_i_is_where_the_step_looks_that_writes_token_i(views, text, read):
    found = read(SOURCES, TARGETS)[1]
    (x,), (y,) = text.source.encode(SOURCES[1:2]), text.target.encode(TARGETS[1:2])
    assert found.source_tokens == text.source.pieces([*x, 3])
    assert found.target_tokens == text.target.pieces([*y, 3])
    encoded = views.encoder(np.array([[*x, 3]]))
    state = roomy(encoded["state"], 1 + len(y))
    tensor = keras.ops.convert_to_tensor
    for place, token in enumerate([2, *y]):
        told = {"tokens": tensor(np.array([[token]], "int32")), "position": tensor(np.int32(place))}
        out = views.step({**told, "memory": encoded["memory"], "state": state})
        state = out["state"]
        for layer, weights in out["weights"].items():
            np.testing.assert_allclose(found.weights[layer][:, place], numpy(weights)[0, :, 0], atol=1e-5)


def test_what_a_pair_looks_at_does_not_depend_on_the_batch(views, text, read):
    together = read(SOURCES, TARGETS)
    small = AttentionReader(views, text, tokens_per_batch=1)
    for source, target, one in zip(SOURCES, TARGETS, together, strict=True):
        (alone,) = small([source], [target])
        assert alone.weights.keys() == one.weights.keys()
        for layer, weights in alone.weights.items():
            assert weights.shape[1:] == (len(one.target_tokens), len(one.source_tokens))
            np.testing.assert_allclose(weights, one.weights[layer], atol=1e-5)
            np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-5)


def test_without_attention_there_are_no_weights(text):
    (found,) = AttentionReader(make("without"), text)(["a man"], ["ein"])
    assert found.weights == {}
    assert found.target_tokens[-1] == "</s>"


def test_what_is_too_long_is_cut(views, text):
    reader = AttentionReader(views, text, max_source_length=3, max_target_length=2)
    (found,) = reader(SOURCES[:1], TARGETS[1:2])
    assert (len(found.source_tokens), len(found.target_tokens)) == (4, 3)


def test_pairs_must_be_pairs(read):
    with pytest.raises(UserError, match="targets: expected 2, one for each source, got 1"):
        read(["a", "b"], ["c"])
    assert read([], []) == []
