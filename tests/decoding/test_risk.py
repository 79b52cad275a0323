"""Minimum Bayes risk beside the sum over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from sacrebleu import sentence_bleu, sentence_chrf

from keras_attn.decoding import minimum_bayes_risk
from keras_attn.errors import UserError

SAMPLES = ["a man rides a horse", "a man rides a dog", "the man rides a horse", "a man rides a horse", "two women eat"]


def chrf(hypothesis, reference):
    return sentence_chrf(hypothesis, [reference]).score


def bleu(hypothesis, reference):
    return sentence_bleu(hypothesis, [reference]).score


@pytest.mark.parametrize("utility", [chrf, bleu])
def test_it_is_the_candidate_with_the_best_mean_over_the_samples(utility):
    found = minimum_bayes_risk(SAMPLES, utility)
    means = [np.mean([utility(hypothesis, sample) for sample in SAMPLES]) for hypothesis in SAMPLES]
    assert found.index == int(np.argmax(means)) == 0
    np.testing.assert_allclose(found.utility, max(means))


def test_weights_decide_and_samples_may_be_others_than_candidates():
    weights = [0.1, 0.1, 0.1, 0.1, 0.6]
    assert minimum_bayes_risk(SAMPLES, chrf, weights=weights).index == 4
    found = minimum_bayes_risk(SAMPLES[:2], chrf, samples=["a dog", "a big dog"], weights=[1, 3])
    assert found.index == 1
    wanted = (chrf(SAMPLES[1], "a dog") + 3 * chrf(SAMPLES[1], "a big dog")) / 4
    np.testing.assert_allclose(found.utility, wanted)


def test_equal_texts_are_compared_once():
    asked = []
    minimum_bayes_risk(["a", "b", "a", "a"], lambda *pair: asked.append(pair) or 1.0)
    assert sorted(asked) == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]


def test_what_makes_no_sense_is_refused():
    for wrong in ([1.0], [-1.0] + [1.0] * 4, [0.0] * 5):
        with pytest.raises(UserError, match="weights: expected 5 of at least 0, not all 0"):
            minimum_bayes_risk(SAMPLES, chrf, weights=wrong)
    with pytest.raises(UserError, match="candidates: expected at least one"):
        minimum_bayes_risk([], chrf)
    with pytest.raises(UserError, match="samples: expected at least one"):
        minimum_bayes_risk(["a"], chrf, samples=[])
