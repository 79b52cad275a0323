"""Beam search beside all outputs there are, listed and ranked in NumPy, under every penalty and rule."""

from __future__ import annotations

import numpy as np
import pytest
from small_search import END, LIMITS, MODELS, SOURCE, Every, ask, every, views, words

from keras_attn.decoding import (
    AverageLength,
    Beam,
    ConstrainedBeam,
    CoveragePenalty,
    DiverseBeam,
    Greedy,
    LengthPenalty,
    MinimumLength,
    NoRepeatNgram,
    RepetitionPenalty,
    Request,
    SuppressTokens,
)

ALL = 130  # no fewer than the outputs of 4 tokens, 121


# The rules once more: (what was said, logits) -> logits, with -inf for never


def shortest(length):
    return lambda said, logits, source: np.where(
        (np.arange(len(logits)) == END) & (len(said) + 1 < length), -np.inf, logits
    )


def shortest_by_source(factor):
    return lambda said, logits, source: shortest(int(np.ceil(factor * source - 1e-6)))(said, logits, source)


def no_repeat(n):
    def rule(said, logits, source):
        there = {said[place : place + n] for place in range(len(said) - n + 1)}
        last = said[len(said) - n + 1 :]
        bad = [len(said) >= n - 1 and (*last, word) in there for word in range(len(logits))]
        return np.where(bad, -np.inf, logits)

    return rule


def repetition(theta):
    def rule(said, logits, source):
        lower = np.where(logits > 0, logits / theta, logits * theta)
        return np.where(np.isin(np.arange(len(logits)), said), lower, logits)

    return rule


def suppress(*ids):
    return lambda said, logits, source: np.where(np.isin(np.arange(len(logits)), ids), -np.inf, logits)


RULES = {
    "none": ((), ()),
    "minimum": ((MinimumLength(3),), (shortest(3),)),
    "minimum-by-source": ((MinimumLength(factor=0.6),), (shortest_by_source(0.6),)),
    "no-word-twice": ((NoRepeatNgram(1),), (no_repeat(1),)),
    "no-pair-twice": ((NoRepeatNgram(2),), (no_repeat(2),)),
    "repetition": ((RepetitionPenalty(1.2),), (repetition(1.2),)),
    "suppress": ((SuppressTokens((1, 4)),), (suppress(1, 4),)),
    "three": (
        (RepetitionPenalty(1.3), NoRepeatNgram(2), MinimumLength(2)),
        (repetition(1.3), no_repeat(2), shortest(2)),
    ),
}
PENALTIES = {
    "sum": (LengthPenalty(0.0), None),
    "gnmt": (LengthPenalty(0.6), None),
    "gnmt-2": (LengthPenalty(2.0), None),
    "average": (AverageLength(), None),
    "gnmt-coverage": (LengthPenalty(0.6), CoveragePenalty(0.4)),
    "average-coverage": (AverageLength(), CoveragePenalty(2.0)),
}
CASES = [(penalty, "none") for penalty in PENALTIES] + [("gnmt", rule) for rule in RULES if rule != "none"]
CASES += [("gnmt-coverage", "three"), ("sum", "repetition")]

EVERYWHERE = [(model, *case) for model in ("gru", "transformer") for case in CASES]
EVERYWHERE += [("lstm-no-attention", "average", "none"), ("lstm-no-attention", "gnmt", "three")]


def worth(outputs: Every, index: int, penalty: str, rules: str, prefix: tuple = ()) -> float:
    """The formula of an output's value; -inf if it breaks a rule."""
    output, total = outputs.outputs[index], 0.0
    for place, word in enumerate(output):
        logits = outputs.logits[index, place].astype("float64")
        ruled = logits
        for rule in RULES[rules][1]:
            ruled = rule(output[:place], ruled, outputs.source)
        if place < len(prefix):
            ruled = np.where(np.arange(len(logits)) == prefix[place], logits, -np.inf)
        total += ruled[word] - np.logaddexp.reduce(logits)
    length, coverage = PENALTIES[penalty]
    if isinstance(length, AverageLength):
        value = total / len(output)
    else:
        value = total / ((5 + len(output)) / 6) ** length.alpha
    return value + (coverage.beta * outputs.coverage(index) if coverage else 0.0)


def check(model, found, sentence, penalty, rules, exhaustive, prefix=(), phrases=()):
    """What came out is worth what it says; none is worth more than the best of all; all are found by enough beams."""
    outputs = every(model, sentence)
    values = np.array([worth(outputs, index, penalty, rules, prefix) for index in range(len(outputs.outputs))])
    values[[not all(has(output, phrase) for phrase in phrases) for output in outputs.outputs]] = -np.inf
    ranked = np.argsort(-values, kind="stable")
    for n, ids in enumerate(found.ids[sentence]):
        if np.isneginf(found.value[sentence, n]):
            assert not exhaustive or np.isneginf(values[ranked[n]])
            assert (ids == 0).all()
            continue
        index = outputs.outputs.index(words(ids))
        np.testing.assert_allclose(found.value[sentence, n], values[index], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.score[sentence, n], outputs.score(index), rtol=1e-4, atol=1e-5)
        assert found.value[sentence, n] <= values[ranked[n]] + 1e-5
        if exhaustive:
            np.testing.assert_allclose(values[index], values[ranked[n]], atol=1e-5)  # equal values in any order
    assert len({words(ids) for ids in found.ids[sentence]} - {()}) == np.isfinite(found.value[sentence]).sum()


def of(penalty, rules, width, n_best):
    length, coverage = PENALTIES[penalty]
    return {"width": width, "n_best": n_best, "length": length, "coverage": coverage, "rules": RULES[rules][0]}


@pytest.mark.parametrize(("model", "penalty", "rules"), EVERYWHERE)
def test_no_width_is_above_all_outputs_and_an_exhaustive_one_finds_the_best(model, penalty, rules):
    for width in (2, ALL):
        found = ask(Beam(**of(penalty, rules, width, min(width, 30))), views(model))
        for sentence in range(2):
            check(model, found, sentence, penalty, rules, width == ALL)


@pytest.mark.parametrize("model", ["gru", "transformer"])
def test_so_with_a_prefix_and_rules_that_it_outranks(model):
    prefix = np.array([[4, 4], [1, 0]], "int32")
    for width in (3, ALL):
        request = Request(source_mask=SOURCE != 0, prefix=prefix)
        found = ask(Beam(**of("gnmt", "no-word-twice", width, 1)), views(model), request=request)
        for sentence in range(2):
            check(model, found, sentence, "gnmt", "no-word-twice", width == ALL, words(prefix[sentence]))


@pytest.mark.parametrize("penalty", ["sum", "average-coverage"])
def test_groups_find_no_more_than_there_is_and_one_of_enough_beams_all(penalty):
    for width, groups in ((4, 2), (2 * ALL, 2)):
        found = ask(DiverseBeam(**of(penalty, "three", width, 2), groups=groups), views("gru"))
        best = found._replace(ids=found.ids[:, :1], score=found.score[:, :1], value=found.value[:, :1])
        for sentence in range(2):
            check("gru", best, sentence, penalty, "three", width > ALL)


@pytest.mark.parametrize("model", ["gru", "transformer"])
@pytest.mark.parametrize(
    ("penalty", "rules"), [("gnmt", "none"), ("average", "repetition"), ("gnmt-coverage", "three")]
)
def test_phrases_the_same_among_the_outputs_that_have_them(model, penalty, rules):
    phrases = np.array([[[4, 5], [1, 0]], [[5, 0], [0, 0]]], "int32")
    request = Request(source_mask=SOURCE != 0, phrases=phrases)
    for width in (3, ALL):
        found = ask(ConstrainedBeam(**of(penalty, rules, width, min(width, 9))), views(model), request=request)
        for sentence in range(2):
            wanted = [words(phrase) for phrase in phrases[sentence]]
            check(model, found, sentence, penalty, rules, width == ALL, phrases=wanted)
            assert np.isfinite(found.value[sentence, 0])


def has(output, phrase):
    return any(output[place : place + len(phrase)] == phrase for place in range(len(output) - len(phrase) + 1))


@pytest.mark.parametrize(("model", "penalty", "rules"), [case for case in EVERYWHERE if case[1] != "sum"][::2])
def test_width_one_is_greedy(model, penalty, rules):
    beam = ask(Beam(**of(penalty, rules, 1, 1)), views(model))
    greedy = ask(Greedy(RULES[rules][0]), views(model))
    np.testing.assert_array_equal(beam.ids, greedy.ids)
    np.testing.assert_allclose(beam.score, greedy.score, atol=1e-5)


def test_these_outputs_are_worth_something_each_and_rules_change_the_best():
    """The tests above can fail only if penalties and rules decide."""
    best = set()
    for penalty, rules in CASES:
        if "coverage" in penalty:
            continue
        for model in MODELS:
            outputs = every(model, 0)
            values = [worth(outputs, index, penalty, rules) for index in range(len(outputs.outputs))]
            best.add((model, outputs.outputs[int(np.argmax(values))]))
    assert LIMITS.tolist() == [4, 3]
    assert len(best) >= 3 * len(MODELS)
    assert {END in output for _, output in best} == {True, False}
    assert {len(output) for _, output in best} >= {2, 3, 4}
