"""Samples have the frequencies of the distribution, as a whole and cut, and depend on nothing but seed and sentence."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from catalogue import numpy
from hypothesis import given, settings
from keras import ops
from small_search import LIMITS, SOURCE, ask, log_softmax, views, words
from table_model import END, START, first, log_p, table_of, table_step

from keras_attn.decoding import Greedy, Sample
from keras_attn.decoding.truncation import keep_nucleus, keep_top_k, keep_typical
from keras_attn.errors import UserError

FEW = settings(max_examples=25, deadline=None, derandomize=True)
WORDS = 7
# A value that chi-square with so many degrees of freedom exceeds once in a thousand times.
CRITICAL = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52}


def kept(logits, top_k=None, top_p=None, typical=None):
    """Which words may be drawn, by the papers' definitions."""
    may = np.ones(len(logits), bool)
    for cut, name in ((top_k, "k"), (top_p, "p"), (typical, "t")):
        if cut is None:
            continue
        p = np.where(may, np.exp(log_softmax(np.where(may, logits, -1e30))), 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            information = np.where(p > 0, -np.log(p), np.inf)
            entropy = np.nansum(np.where(p > 0, p * information, 0))
        key = np.abs(information - entropy) if name == "t" else information
        order = np.argsort(key, kind="stable")
        count = cut if name == "k" else int(np.searchsorted(np.cumsum(p[order]), cut - 1e-9)) + 1
        may &= np.isin(np.arange(len(logits)), order[:count])
    return may


@FEW
@given(
    seed=st.integers(0, 10**6), sharp=st.sampled_from([0.3, 1.0, 4.0]), mass=st.floats(0.05, 0.99), k=st.integers(1, 12)
)
def test_top_k_nucleus_and_typical_sets_are_numpys(seed, sharp, mass, k):
    logits = (np.random.default_rng(seed).normal(size=(3, 11)) * sharp).astype("float32")
    cuts = {"top_k": (keep_top_k, k), "top_p": (keep_nucleus, mass), "typical": (keep_typical, mass)}
    for name, (cut, amount) in cuts.items():
        found = numpy(cut(ops.convert_to_tensor(logits), amount))
        for row in range(3):
            wanted = kept(logits[row].astype("float64"), **{name: amount})
            np.testing.assert_array_equal(found[row] > -1e29, wanted, err_msg=name)
            np.testing.assert_array_equal(found[row][wanted], logits[row][wanted])


def test_all_of_the_mass_is_all_words():
    logits = np.random.default_rng(1).normal(size=(2, 11)).astype("float32")
    for cut in (keep_nucleus, keep_typical):
        assert (numpy(cut(ops.convert_to_tensor(logits), 1.0)) > -1e29).all()


CUTS = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.8},
    {"top_k": 3},
    {"top_p": 0.7},
    {"typical": 0.6},
    {"temperature": 1.5, "top_k": 4, "top_p": 0.9, "typical": 0.9},
]


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_frequencies_are_those_of_the_cut_distribution(cut):
    """Chi-square of the first words and, given the commonest of them, of the second ones."""
    table, n = table_of(11, WORDS, 0.6), 4000
    found = numpy(Sample(n, seed=5, **cut)(table_step(table), {}, first(1), 2)).ids[0]
    common = np.bincount(np.where(found[:, 0] == END, 0, found[:, 0])).argmax()
    for drawn, logits in ((found[:, 0], table[START, START]), (found[found[:, 0] == common, 1], table[START, common])):
        logits = np.where(np.isin(np.arange(WORDS), (0, START)), -1e30, logits) / cut.get("temperature", 1.0)
        may = kept(logits, **{name: cut[name] for name in ("top_k", "top_p", "typical") if name in cut})
        assert set(drawn) <= set(np.flatnonzero(may))
        p = np.where(may, np.exp(log_softmax(np.where(may, logits, -1e30))), 0)
        p, count = p[p > 0], np.bincount(drawn, minlength=WORDS)[p > 0]
        assert (p * len(drawn) > 5).all()
        if len(p) > 1:
            assert ((count - p * len(drawn)) ** 2 / (p * len(drawn))).sum() < CRITICAL[len(p) - 1]


def test_words_of_one_sample_are_drawn_apart():
    """Were the random numbers of two places alike, so would be the words."""
    table = np.zeros((WORDS, WORDS, WORDS), "float32")
    table[:, :, END] = -30.0
    found = numpy(Sample(3000, seed=2)(table_step(table), {}, first(1), 3)).ids[0]
    pairs = np.zeros((3, WORDS, WORDS))
    for index, (a, b) in enumerate(((0, 1), (1, 2), (0, 2))):
        np.add.at(pairs[index], (found[:, a], found[:, b]), 1)
    observed = pairs[:, [1, 4, 5, 6]][:, :, [1, 4, 5, 6]]
    assert (((observed - 3000 / 16) ** 2 / (3000 / 16)).sum((1, 2)) < 37.7).all()  # 15 degrees of freedom


def test_the_score_is_the_models_own_and_the_likeliest_is_first():
    table = table_of(3, WORDS, 1.5)
    found = numpy(Sample(6, temperature=0.7, top_k=3, seed=1)(table_step(table), {}, first(2), 5))
    for sentence in range(2):
        for ids, total in zip(found.ids[sentence], found.score[sentence], strict=True):
            np.testing.assert_allclose(total, log_p(table, words(ids)), atol=1e-4)
    assert (np.diff(found.score) <= 0).all()
    np.testing.assert_array_equal(found.value, found.score)


def test_the_same_seed_the_same_samples_another_seed_others():
    step = table_step(table_of(3, WORDS, 0.5))
    one, two, other = (numpy(Sample(5, seed=seed)(step, {}, first(1), 5)).ids for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert len({tuple(row) for row in one[0].tolist()}) > 2


def test_samples_do_not_depend_on_the_batch_nor_on_the_others_limits():
    for model in ("gru", "transformer"):
        together = ask(Sample(5, top_p=0.9, seed=3), views(model))
        for sentence in range(2):
            source = SOURCE[sentence : sentence + 1, : (SOURCE[sentence] != 0).sum()]
            alone = ask(Sample(5, top_p=0.9, seed=3), views(model), source, LIMITS[sentence : sentence + 1])
            np.testing.assert_array_equal(together.ids[sentence, :, : LIMITS[sentence]], alone.ids[0])
            np.testing.assert_allclose(together.score[sentence], alone.score[0], atol=1e-4)


def test_one_word_to_draw_from_is_greedy():
    for cut in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}):
        found, greedy = ask(Sample(2, **cut), views("gru")), ask(Greedy(), views("gru"))
        np.testing.assert_array_equal(found.ids[:, 0], greedy.ids[:, 0])
        np.testing.assert_array_equal(found.ids[:, 1], greedy.ids[:, 0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": 0}, "samples: expected at least 1"),
        ({"temperature": 0.0}, "temperature: expected more than 0"),
        ({"top_k": 0}, "top_k: expected at least 1 or None"),
        ({"top_p": 0.0}, "top_p: expected more than 0, at most 1"),
        ({"typical": 1.5}, "typical: expected more than 0, at most 1"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        Sample(**wrong)
