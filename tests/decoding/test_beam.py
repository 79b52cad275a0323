"""Beam search beside all sequences there are, beside greedy search, and in company."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from catalogue import MODELS, numpy
from keras import ops

from keras_attn.decoding import Beam, Greedy
from keras_attn.errors import UserError

START, END, WORDS = 2, 3, 5


def table_step(table):
    """A model whose next word depends on the last two: table (words, words, words) of logits."""

    def step(inputs):
        last, before = inputs["tokens"][:, 0], inputs["state"]["last"][:, 0]
        logits = ops.take(ops.reshape(table, (-1, WORDS)), before * WORDS + last, axis=0)
        return {"logits": ops.expand_dims(logits, 1), "state": {"last": inputs["tokens"]}}

    return step


def first(batch):
    return {"last": ops.full((batch, 1), START, dtype="int32")}


def log_p(table, words):
    total, before, last = 0.0, START, START
    for word in words:
        scores = table[before, last].astype("float64")
        total += scores[word] - np.log(np.exp(scores).sum())
        before, last = last, word
    return total


def all_outputs(limit):
    """Every sequence that ends with the end token or at the limit."""
    others = [word for word in range(WORDS) if word != END]
    for length in range(1, limit + 1):
        for start in itertools.product(others, repeat=length - 1):
            for word in range(WORDS) if length == limit else [END]:
                yield (*start, word)


def penalty(words, alpha):
    return ((5 + len(words)) / 6) ** alpha


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_an_exhaustive_width_finds_the_best_of_all_and_no_width_more(seed, alpha):
    limit = 4
    table = np.random.default_rng(seed).normal(size=(WORDS, WORDS, WORDS)).astype("float32") * 2
    best = max(all_outputs(limit), key=lambda words: log_p(table, words) / penalty(words, alpha))
    most = log_p(table, best) / penalty(best, alpha)
    for width in (1, 2, 3, 500):
        ids, score = Beam(width, alpha)(table_step(table), {}, first(1), limit)
        words = tuple(numpy(ids)[0])
        words = words[: words.index(END) + 1] if END in words else words
        np.testing.assert_allclose(numpy(score)[0], log_p(table, words), atol=1e-5)
        assert numpy(score)[0] / penalty(words, alpha) <= most + 1e-5
    assert words == best


def translate(row, search, source, limit):
    views = row.views()
    encoded = views.encoder(source)
    return numpy(search(views.step, encoded["memory"], encoded["state"], limit))


ROWS = [row for row in MODELS if row.name in ("gru-additive", "stacked", "transformer-shared", "transformer-to-gru")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_width_one_is_greedy(row):
    limit = np.array([7, 5], "int32")
    greedy, beam = (translate(row, search, row.source(), limit) for search in (Greedy(), Beam(1)))
    np.testing.assert_array_equal(beam[0], greedy[0])
    np.testing.assert_allclose(beam[1], greedy[1], atol=1e-5)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_sentence_gives_the_same_alone_and_in_company(row):
    source, limit = row.source(), np.array([9, 6], "int32")
    together = translate(row, Beam(4, 0.6), source, limit)
    for index in range(2):
        length = (source[index] != 0).sum()
        ids, score = translate(row, Beam(4, 0.6), source[index : index + 1, :length], limit[index : index + 1])
        np.testing.assert_array_equal(together[0][index, : limit[index]], ids[0])
        assert (together[0][index, limit[index] :] == 0).all()
        np.testing.assert_allclose(together[1][index], score[0], atol=1e-5)


def test_a_wider_beam_finds_what_is_likelier():
    limit = np.array([6, 6], "int32")
    gains = [
        translate(row, Beam(8, 0.0), row.source(), limit)[1] - translate(row, Beam(1, 0.0), row.source(), limit)[1]
        for row in ROWS
    ]
    assert np.min(gains) >= -1e-5
    assert np.max(gains) > 0.1


def test_nothing_asked_nothing_given():
    row = ROWS[0]
    ids, score = translate(row, Beam(3), row.source(), np.array([0, 4], "int32"))
    assert (ids[0] == 0).all()
    assert score[0] == 0.0


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UserError, match=r"width: expected at least 1, got 0"):
        Beam(0)
    with pytest.raises(UserError, match=r"length_penalty: expected at least 0"):
        Beam(2, -1.0)
