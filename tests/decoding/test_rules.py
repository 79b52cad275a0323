"""Each rule beside its definition, and what it does to every search."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
from catalogue import numpy
from hypothesis import given, settings
from keras import ops
from small_search import SOURCE, ask, views, words
from table_model import END, START, first, log_p, table_of, table_step

from keras_attn.decoding import (
    Beam,
    ConstrainedBeam,
    DiverseBeam,
    Greedy,
    MinimumLength,
    NoRepeatNgram,
    RepetitionPenalty,
    Request,
    Sample,
    SuppressTokens,
    score,
)
from keras_attn.errors import UserError

FEW = settings(max_examples=15, deadline=None, derandomize=True)
HISTORIES = st.lists(st.lists(st.sampled_from([1, 3, 4, 5, 6]), min_size=4, max_size=4), min_size=1, max_size=3)
PHRASES = np.array([[[4, 0]], [[5, 0]]], "int32")
SEARCHES = {
    "greedy": lambda rules: Greedy(rules),
    "beam": lambda rules: Beam(3, 3, rules=rules),
    "sample": lambda rules: Sample(4, rules=rules, temperature=5.0),
    "diverse": lambda rules: DiverseBeam(4, 4, rules=rules, groups=2),
    "constrained": lambda rules: ConstrainedBeam(3, 3, rules=rules),
}
every_search = pytest.mark.parametrize("search", SEARCHES)


def after(rule, history, position, logits, **request):
    """Scores of a rule when `position` words of the rows of `history` were said."""
    ids = np.where(np.arange(4) < position, np.array(history, "int32"), 0)
    rows = {name: ops.convert_to_tensor(value) for name, value in request.items()}
    return numpy(
        rule(ops.convert_to_tensor(logits), ops.convert_to_tensor(ids), ops.cast(position, "int32"), Request(**rows))
    )


def drawn(rows, seed):
    return np.random.default_rng(seed).normal(size=(rows, 7)).astype("float32")


@FEW
@given(history=HISTORIES, position=st.integers(0, 4), size=st.integers(1, 4))
def test_no_ngram_twice(history, position, size):
    logits = drawn(len(history), position)
    scores = after(NoRepeatNgram(size), history, position, logits)
    for row, said in enumerate(history):
        said = said[:position]
        there = {tuple(said[place : place + size]) for place in range(len(said) - size + 1)}
        for word in range(7):
            repeated = len(said) >= size - 1 and (*said[len(said) - size + 1 :], word) in there
            assert scores[row, word] < -1e29 if repeated else scores[row, word] == logits[row, word]


@FEW
@given(history=HISTORIES, position=st.integers(0, 4), theta=st.floats(1, 3))
def test_the_repetition_penalty_divides_logits_above_zero_and_multiplies_those_below(history, position, theta):
    logits = drawn(len(history), position)
    scores = after(RepetitionPenalty(theta), history, position, logits)
    for row, said in enumerate(history):
        wanted = [
            (x / theta if x > 0 else x * theta) if word in said[:position] else x for word, x in enumerate(logits[row])
        ]
        np.testing.assert_allclose(scores[row], wanted, rtol=1e-5)
    assert (scores <= logits).all()


@pytest.mark.parametrize(
    ("tokens", "factor", "least"), [(3, 0.0, (3, 3)), (0, 0.5, (2, 5)), (4, 0.5, (4, 5)), (0, 0.1, (1, 1))]
)
def test_the_minimum_length_counts_the_end_token_and_the_source(tokens, factor, least):
    mask = np.arange(10) < np.array([[4], [10]])
    for position in range(4):
        logits = drawn(2, position)
        scores = after(MinimumLength(tokens, factor), [[4] * 4] * 2, position, logits, source_mask=mask)
        for row in range(2):
            may = position + 1 >= least[row]
            assert (scores[row, END] == logits[row, END]) == may
            np.testing.assert_array_equal(np.delete(scores[row], END), np.delete(logits[row], END))


def test_the_minimum_length_by_the_source_is_rounded_up_but_not_for_the_sake_of_float32():
    mask, logits = np.ones((1, 25), bool), drawn(1, 0)  # 0.6 * 25 is 15.000001 there
    ended = [after(MinimumLength(0, 0.6), [[4] * 4], at, logits, source_mask=mask)[0, END] > -1e29 for at in (13, 14)]
    assert ended == [False, True]


def test_suppressed_words_and_no_others():
    logits = drawn(2, 0)
    scores = after(SuppressTokens((1, 5)), [[4] * 4] * 2, 1, logits)
    assert (scores[:, [1, 5]] < -1e29).all()
    np.testing.assert_array_equal(np.delete(scores, [1, 5], 1), np.delete(logits, [1, 5], 1))


# What searches find


@every_search
def test_no_search_breaks_a_rule_and_the_score_stays_the_models(search):
    rules = (RepetitionPenalty(1.5), MinimumLength(4), NoRepeatNgram(2), SuppressTokens((1,)))
    for seed in range(3):
        table, limits = table_of(seed, 9, 1.5), np.array([8, 6], "int32")
        found = numpy(SEARCHES[search](rules)(table_step(table), {}, first(2), limits, Request(phrases=PHRASES)))
        assert np.isfinite(found.score).all()
        for ids, total in zip(found.ids.reshape(-1, 8), found.score.ravel(), strict=True):
            said = words(ids)
            assert len(said) >= 4
            assert not {1, START} & set(said)
            pairs = list(itertools.pairwise(said))
            assert len(set(pairs)) == len(pairs)
            np.testing.assert_allclose(total, log_p(table, said), atol=1e-4)


@every_search
@pytest.mark.parametrize("model", ["gru", "transformer"])
def test_prefixes_of_unequal_lengths_are_kept_and_outrank_rules(search, model):
    prefix = np.array([[5, 5, 5], [1, 0, 0]], "int32")
    request = Request(source_mask=SOURCE != 0, prefix=prefix, phrases=PHRASES)
    rules = (NoRepeatNgram(1), SuppressTokens((1,)))
    found = ask(SEARCHES[search](rules), views(model), limit=np.array([6, 4], "int32"), request=request)
    for sentence in range(2):
        begun = words(prefix[sentence])
        for ids, total in zip(found.ids[sentence], found.score[sentence], strict=True):
            if np.isfinite(total):
                assert words(ids)[: len(begun)] == begun
                assert len(set(words(ids)[len(begun) :])) == len(words(ids)[len(begun) :])
                assert 1 not in words(ids)[len(begun) :]
        assert np.isfinite(found.score[sentence, 0])
    encoded = views(model).encoder(SOURCE)
    own = numpy(score(views(model).step, encoded["memory"], encoded["state"], found.ids[:, 0]).score)
    np.testing.assert_allclose(found.score[:, 0], own, atol=1e-4)


def test_a_prefix_that_is_longer_than_the_limit_is_cut_and_one_that_ends_is_the_output():
    prefix = np.array([[4, 5, 1, 4], [4, 3, 0, 0]], "int32")
    for search in (Greedy(), Beam(3), Sample(2)):
        found = ask(search, views("gru"), limit=np.array([3, 4], "int32"), request=Request(prefix=prefix))
        assert found.ids[:, 0].tolist() == [[4, 5, 1, 0], [4, 3, 0, 0]]


@every_search
def test_where_rules_leave_nothing_nothing_is_found(search):
    rules = (SuppressTokens((3, 4, 5)),)
    request = Request(prefix=np.array([[5], [0]], "int32"), phrases=np.zeros((2, 1, 1), "int32"))
    only = table_of(1, 6, 1.0)  # of 1, 3, 4, 5 only 1 may be said, once
    search = SEARCHES[search]((*rules, NoRepeatNgram(1)))
    found = numpy(search(table_step(only), {}, first(2), np.array([1, 3], "int32"), request))
    assert found.ids[0, 0, 0] == 5
    assert np.isfinite(found.score[0, 0])
    assert not found.ids[1].any()
    assert np.isneginf(found.score[1]).all()
    assert np.isneginf(found.value[1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NoRepeatNgram(0), "size: expected at least 1, got 0"),
        (lambda: RepetitionPenalty(0.9), "theta: expected at least 1, got 0.9"),
        (lambda: MinimumLength(-1), "tokens: expected at least 0"),
        (lambda: MinimumLength(factor=-1.0), "factor: expected at least 0"),
        (lambda: SuppressTokens((-1,)), "ids: expected ids of at least 0"),
        (lambda: ask(Greedy((MinimumLength(factor=0.5),)), views("gru"), request=Request()), "source_mask: Minimum"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
