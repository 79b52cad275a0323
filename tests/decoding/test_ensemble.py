"""Several models beside the mean of their distributions, taken in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import numpy
from keras import ops
from small_search import END, LIMITS, SOURCE, START, ask, every, log_softmax, views, words

from keras_attn.decoding import Beam, CoveragePenalty, Ensemble, Greedy, LengthPenalty, Sample, score
from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq

BOTH = ("gru", "transformer")


def together(mean):
    return Ensemble([views(name) for name in BOTH], mean)


@pytest.mark.parametrize("mean", ["probabilities", "log_probabilities"])
def test_it_finds_the_best_by_the_mean(mean):
    found = ask(Beam(130, 3, LengthPenalty(0.6)), together(mean))
    for sentence in range(2):
        outputs = every("gru", sentence).outputs
        each = np.stack([log_softmax(every(name, sentence).logits) for name in BOTH])
        log_p = np.log(np.exp(each).mean(0)) if mean == "probabilities" else log_softmax(each.mean(0))
        total = [
            sum(log_p[row, place, word] for place, word in enumerate(output)) for row, output in enumerate(outputs)
        ]
        value = [total[row] / ((5 + len(output)) / 6) ** 0.6 for row, output in enumerate(outputs)]
        ranked = np.argsort(value)[::-1]
        for n in range(3):
            assert words(found.ids[sentence, n]) == outputs[ranked[n]]
            np.testing.assert_allclose(found.score[sentence, n], total[ranked[n]], rtol=1e-4)


def test_the_means_differ_from_each_other_and_from_the_models():
    values = [ask(Beam(130), model).score[0, 0] for model in (*map(views, BOTH), together("probabilities"))]
    assert (
        len({round(float(value), 4) for value in (*values, ask(Beam(130), together("log_probabilities")).score[0, 0])})
        == 4
    )


@pytest.mark.parametrize("mean", ["probabilities", "log_probabilities"])
def test_one_model_or_the_same_one_twice_is_that_model(mean):
    for members, search in (
        (["transformer"], Beam(3, 2, coverage=CoveragePenalty(0.3))),
        (["gru", "gru"], Sample(3)),
        (["gru", "gru"], Greedy()),
    ):
        one = ask(search, views(members[0]))
        found = ask(search, Ensemble([views(name) for name in members], mean))
        np.testing.assert_array_equal(found.ids, one.ids)
        np.testing.assert_allclose(found.score, one.score, atol=1e-4)
        np.testing.assert_allclose(found.value, one.value, atol=1e-4)


def test_models_over_other_vocabularies_are_refused():
    encoder, decoder = RNNEncoder(units=4), RNNDecoder(units=4)
    both = Ensemble([seq2seq(encoder, decoder, 11, words) for words in (13, 14)])
    encoded = both.encoder(np.ones((1, 2), "int32"))
    with pytest.raises(UserError, match=r"members: expected models over one vocabulary, got \[13, 14\]"):
        Greedy()(both.step, encoded["memory"], encoded["state"], 2)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UserError, match="members: expected at least one model"):
        Ensemble([])
    with pytest.raises(UserError, match="mean: expected one of 'probabilities', 'log_probabilities', got 'p'"):
        Ensemble([views("gru")], "p")


# log p of given outputs


@pytest.mark.parametrize("model", ["gru", "lstm-no-attention", "transformer"])
def test_score_is_the_sum_over_tokens_that_the_training_view_says(model):
    encoded = views(model).encoder(SOURCE)
    for target in ([[4, 4, 5, END], [5, END, 0, 0]], [[1, 5, 4, 4], [END, 0, 0, 0]]):
        found = numpy(score(views(model).step, encoded["memory"], encoded["state"], np.array(target)))
        for sentence in range(2):
            outputs, said = every(model, sentence), words(np.array(target[sentence]))
            row = outputs.outputs.index(said)
            each = [log_softmax(outputs.logits[row])[place, word] for place, word in enumerate(said)]
            np.testing.assert_allclose(found.tokens[sentence, : len(said)], each, rtol=1e-4)
            assert not found.tokens[sentence, len(said) :].any()
            np.testing.assert_allclose(found.score[sentence], sum(each), rtol=1e-4)


def test_score_of_an_ensemble_is_what_its_search_says():
    model = together("log_probabilities")
    found = ask(Beam(4, 2), model)
    encoded = model.encoder(ops.convert_to_tensor(SOURCE))
    for n in range(2):
        own = numpy(score(model.step, encoded["memory"], encoded["state"], found.ids[:, n], start=START)).score
        np.testing.assert_allclose(found.score[:, n], own, atol=1e-4)
    assert found.ids.shape == (2, 2, LIMITS.max())
