"""log p of given targets, whatever the strings, alone or in a batch."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import fill, numpy

from keras_attn.errors import UserError
from keras_attn.export import TargetScorer
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.text import Tokenizer

PAIRS = [
    ("a man rides a horse", "ein Mann reitet ein Pferd"),
    ("two women", "zwei Frauen essen ein Pferd"),
    ("", "Pferd"),
    ("horse \u202e\x00☕", ""),
    ("a horse eats", "☕\udce9 Pferd"),
]
SOURCES, TARGETS = (list(side) for side in zip(*PAIRS, strict=True))
SIZES = {"layers": 2, "width": 10, "heads": 2, "feed_forward": 7}


@pytest.fixture(scope="module", params=["recurrent", "transformer"])
def views(request):
    encoder, decoder = (
        (RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7))
        if request.param == "recurrent"
        else (TransformerEncoder(**SIZES), TransformerDecoder(**SIZES))
    )
    views = seq2seq(encoder, decoder, 300, 300)
    fill(views.training.weights, 1)
    return views


@pytest.fixture(scope="module")
def text():
    return Tokenizer.train([(a, b.replace("\udce9", "")) for a, b in PAIRS[:3]], vocabulary_size=300, model="bpe")


def test_each_token_has_its_log_p_by_the_definition(views, text):
    (found,) = TargetScorer(views, text)(["two women"], ["zwei Frauen"])
    (x,), (y,) = text.source.encode(["two women"]), text.target.encode(["zwei Frauen"])
    assert found.tokens == [*text.target.pieces(y), "</s>"]
    wanted = []
    for count, word in enumerate([*y, 3]):
        logits = numpy(views.training({"source": np.array([[*x, 3]]), "target": np.array([[2, *y[:count]]])}))[0, -1]
        wanted.append(logits[word] - np.log(np.exp(logits.astype("float64")).sum()))
    np.testing.assert_allclose(found.log_p, wanted, atol=1e-5)
    assert found.total == pytest.approx(sum(wanted), abs=1e-5)
    assert not found.truncated


def test_a_score_does_not_depend_on_the_batch(views, text):
    together = TargetScorer(views, text)(SOURCES, TARGETS)
    small = TargetScorer(views, text, tokens_per_batch=1)  # each alone
    for source, target, one in zip(SOURCES, TARGETS, together, strict=True):
        (alone,) = small([source], [target])
        assert alone.tokens == one.tokens
        np.testing.assert_allclose(alone.log_p, one.log_p, atol=1e-5)
    assert [score.tokens[-1] for score in together] == ["</s>"] * len(PAIRS)
    assert len(together[3].tokens) == 1  # of nothing, the end


def test_what_is_too_long_is_cut_and_said(views, text):
    scorer = TargetScorer(views, text, max_source_length=3, max_target_length=4)
    cut, target, whole = scorer(["a man rides a horse", "a", "a"], ["ein", "ein Mann reitet ein", "ein"])
    assert (cut.truncated, target.truncated, whole.truncated) == (True, True, False)
    assert len(target.tokens) == 5


def test_pairs_must_be_pairs(views, text):
    with pytest.raises(UserError, match="targets: expected 2, one for each source, got 1"):
        TargetScorer(views, text)(["a", "b"], ["c"])
    assert TargetScorer(views, text)([], []) == []


def test_a_temperature_divides_the_logits(views, text):
    scorer = TargetScorer(views, text)
    (found,) = scorer(["two women"], ["zwei"], temperature=2.5)
    ((logits, labels),) = scorer.logits(["two women"], ["zwei"])
    log_p = logits / 2.5 - np.log(np.exp(logits.astype("float64") / 2.5).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found.log_p, log_p[np.arange(len(labels)), labels], atol=1e-5)
    with pytest.raises(UserError, match="temperature: expected more than 0, got 0"):
        scorer(["a"], ["b"], temperature=0)


def test_logits_are_those_of_all_tokens_at_every_pass(views, text):
    every = TargetScorer(views, text, tokens_per_batch=40).logits(SOURCES, TARGETS)
    for _ in range(2):
        batches = list(every)
        assert len(batches) > 1
        labels = np.concatenate([labels for _, labels in batches])
        wanted = np.concatenate([[*ids, 3] for ids in text.target.encode(TARGETS)])
        assert sorted(labels) == sorted(wanted)
        assert all(logits.shape == (len(labels), 300) for logits, labels in batches)
    assert list(TargetScorer(views, text).logits([], [])) == []
