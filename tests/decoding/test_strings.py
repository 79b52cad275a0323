"""Several outputs for a string, and several models, through one graph and an export."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import fill

from keras_attn.decoding import (
    Beam,
    CoveragePenalty,
    Ensemble,
    LengthPenalty,
    MinimumLength,
    NoRepeatNgram,
    SuppressTokens,
)
from keras_attn.errors import UserError
from keras_attn.export import TextToText, load
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.recipes.settings import SearchSettings
from keras_attn.text import Tokenizer

LINES = ["two women are eating", "", "a horse"]


@pytest.fixture(scope="module")
def translate():
    text = Tokenizer.train(
        [("a man rides a horse", "ein Mann reitet"), ("two women", "zwei Frauen")], vocabulary_size=300
    )
    sizes = {"layers": 1, "width": 8, "feed_forward": 8, "heads": 2}
    kinds = [
        (RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7)),
        (TransformerEncoder(**sizes), TransformerDecoder(**sizes)),
    ]
    views = [seq2seq(*kind, text.source.size, text.target.size) for kind in kinds]
    for seed, each in enumerate(views):
        fill(each.training.weights, seed=seed)
    rules = (MinimumLength(factor=0.5), NoRepeatNgram(2), SuppressTokens((1,)))
    search = Beam(4, 3, coverage=CoveragePenalty(0.2), rules=rules)
    return TextToText(Ensemble(views), text, search, length_factor=0.5, length_extra=4)


def test_all_that_is_found_comes_best_first_and_an_empty_line_gives_one_empty_output(translate):
    found, best = translate.hypotheses(LINES), translate(LINES)
    assert [len(each) for each in found] == [3, 1, 3]
    for index, each in enumerate(found):
        assert each[0].text == best.text[index]
        np.testing.assert_allclose(each[0].score, best.score[index], rtol=1e-5)
        assert [one.value for one in each] == sorted((one.value for one in each), reverse=True)
    assert (found[1][0].text, found[1][0].score) == ("", 0.0)
    assert len({one.text for one in found[0]}) == 3
    assert translate.hypotheses([]) == []
    long, short = translate.hypotheses(["a horse " * 200, "a"])
    assert (long[0].truncated, short[0].truncated) == (True, False)


def test_an_ensemble_is_exported_as_one_model(translate, tmp_path):
    loaded = load(translate.save(tmp_path / "1"))
    ours, theirs = translate(LINES), loaded(LINES)
    assert theirs.text == ours.text
    np.testing.assert_allclose(theirs.score, ours.score, rtol=1e-5)
    (alignment, *_) = loaded.align(LINES[:1])
    np.testing.assert_allclose(alignment.weights.sum(-1), 1, atol=1e-5)


def test_settings_make_the_search():
    assert SearchSettings(4, 2, 0.6, 0.3).make() == Beam(4, 2, LengthPenalty(0.6), CoveragePenalty(0.3))
    assert SearchSettings(4).make() == Beam(4)
    with pytest.raises(
        UserError, match=r"n_best: expected at most the width of the beam \(1\), or a wider beam, got 2"
    ):
        SearchSettings(n_best=2)
    with pytest.raises(UserError, match="beta: expected at least 0"):
        SearchSettings(beam=2, coverage_penalty=-1.0)


def test_a_narrower_beam_has_fewer_outputs():
    trained = SearchSettings(beam=5, n_best=3, length_penalty=0.5)
    assert trained.changed(beam=2) == SearchSettings(2, 2, 0.5)
    assert trained.changed(beam=1, length_penalty=1.0) == SearchSettings()
    assert trained.changed(n_best=1) == SearchSettings(5, 1, 0.5)
    with pytest.raises(UserError, match=r"n_best: expected at most the width of the beam \(2\).* got 3"):
        trained.changed(beam=2, n_best=3)
