"""Beam search beside the same search written as loops in NumPy, which never stops early, on models that are tables."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from catalogue import numpy
from hypothesis import given, settings
from keras import ops
from small_search import words as spoken
from table_model import END, START, first, log_p, table_of, table_step, tables_step

from keras_attn.decoding import AverageLength, Beam, CoveragePenalty, DiverseBeam, Greedy, LengthPenalty, Request
from keras_attn.errors import UserError

FEW = settings(max_examples=10, deadline=None, derandomize=True)
MANY = 48  # sentences of one call
LENGTHS = [LengthPenalty(0.0), LengthPenalty(0.7), LengthPenalty(2.5), AverageLength()]


def value(length, total, words):
    if isinstance(length, AverageLength):
        return total / len(words)
    return total / ((5 + len(words)) / 6) ** length.alpha


def plain_beam(table, width, length, limit, taken=None, strength=0.0):
    """(value, score, words) of the first `width` outputs, best first.

    taken: for each step the words of other groups, each of which costs `strength`; this one's are added.
    """
    alive, ended = [(0.0, ())], []
    taken = taken or [[] for _ in range(limit)]
    for place in range(limit):
        candidates = []
        for total, words in alive:
            logits = table[(START, START, *words)[-2], (START, START, *words)[-1]].astype("float64")
            for word in range(len(logits)):
                if word not in (0, START):
                    now = total + logits[word] - np.logaddexp.reduce(logits)
                    candidates.append((now - strength * taken[place].count(word), now, (*words, word)))
        candidates.sort(key=lambda candidate: -candidate[0])
        taken[place] += [words[-1] for _, _, words in candidates[:width]]
        if len(ended) < width:
            over = [each for each in candidates[:width] if each[2][-1] == END or place + 1 == limit]
            ended += [(value(length, now, words), now, words) for _, now, words in over]
        alive = [(now, words) for _, now, words in candidates if words[-1] != END][:width]
    return sorted(ended, key=lambda each: -each[0])[:width]


def compare(found, sentence, wanted):
    for n, (worth, score, words) in enumerate(wanted):
        assert tuple(found.ids[sentence, n][: len(words)]) == words
        assert not found.ids[sentence, n, len(words) :].any()
        np.testing.assert_allclose(found.score[sentence, n], score, atol=1e-4)
        np.testing.assert_allclose(found.value[sentence, n], worth, atol=1e-4)


def many(seed, words, sharp):
    """Tables for as many sentences as a call can take, their limits, and the arguments of a search."""
    random = np.random.default_rng(seed)
    tables = random.normal(size=(MANY, words, words, words)).astype("float32") * sharp
    tables[..., END] += random.uniform(-1, 3, size=(MANY, 1, 1))  # some like to end, and some do not
    limits = random.integers(1, 8, MANY).astype("int32")
    return tables, limits, (tables_step, {"table": ops.convert_to_tensor(tables)}, first(MANY), limits)


@FEW
@given(
    seed=st.integers(0, 10**6),
    words=st.integers(4, 7),
    width=st.integers(1, 6),
    length=st.sampled_from(LENGTHS),
    sharp=st.sampled_from([0.5, 2.0, 6.0]),
)
def test_it_is_the_loop_in_numpy_that_never_stops_early(seed, words, width, length, sharp):
    tables, limits, told = many(seed, words, sharp)
    n_best = 1 + seed % width
    found = numpy(Beam(width, n_best, length)(*told))
    for sentence, limit in enumerate(limits):
        wanted = plain_beam(tables[sentence], width, length, limit)[:n_best]
        compare(found, sentence, wanted)
        assert np.isneginf(found.value[sentence, len(wanted) :]).all()


@FEW
@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 3),
    beams=st.integers(1, 3),
    strength=st.sampled_from([0.0, 0.3, 2.0]),
)
def test_groups_are_loops_in_numpy_one_after_the_other(seed, groups, beams, strength):
    (tables, limits, told), length = many(seed, 12, 1.5), LengthPenalty(0.7)
    found = numpy(DiverseBeam(groups * beams, groups * beams, length, groups=groups, strength=strength)(*told))
    for sentence, limit in enumerate(limits):
        taken, wanted = [[] for _ in range(limit)], []
        for _ in range(groups):
            wanted += plain_beam(tables[sentence], beams, length, limit, taken, strength)
        wanted.sort(key=lambda each: -each[0])
        np.testing.assert_allclose(found.value[sentence, : len(wanted)], [each[0] for each in wanted], atol=1e-4)
        assert np.isneginf(found.value[sentence, len(wanted) :]).all()
        assert {spoken(row) for row in found.ids[sentence]} - {()} == {said for _, _, said in wanted}


def test_one_group_is_a_beam_and_groups_without_a_penalty_find_the_same():
    table = table_of(5, 7, 1.5)
    beam = numpy(Beam(3, 3)(table_step(table), {}, first(2), np.array([6, 4])))
    one = numpy(DiverseBeam(3, 3, groups=1, strength=9.0)(table_step(table), {}, first(2), np.array([6, 4])))
    two = numpy(DiverseBeam(6, 6, groups=2, strength=0.0)(table_step(table), {}, first(2), np.array([6, 4])))
    for leaf in range(3):
        np.testing.assert_array_equal(one[leaf], beam[leaf])
        np.testing.assert_array_equal(two[leaf][:, ::2], beam[leaf])
        np.testing.assert_array_equal(two[leaf][:, 1::2], beam[leaf])


def test_the_stronger_the_more_diverse():
    table = table_of(8, 7, 1.5)
    kinds = []
    for strength in (0.0, 0.5, 100.0):
        found = numpy(DiverseBeam(4, 4, groups=4, strength=strength)(table_step(table), {}, first(1), 6))
        kinds.append(len({tuple(row) for row in found.ids[0].tolist()}))
    assert kinds[0] == 1
    assert kinds == sorted(kinds)
    assert len(set(found.ids[0, :, 0])) == 4


# A finished hypothesis


def check_ended(table, ids, score):
    """The score is that of the words up to the end token, and nothing is said behind it."""
    words = [int(word) for word in ids]
    assert END in words
    words = words[: words.index(END) + 1]
    assert not ids[len(words) :].any()
    np.testing.assert_allclose(score, log_p(table, words), atol=1e-4)


def eager_to_end(seed):
    table = table_of(seed, 6, 1.0)
    table[:, :, END] += 2.0
    return table


@pytest.mark.parametrize("seed", range(5))
def test_what_has_ended_keeps_its_score_however_long_the_others_go_on(seed):
    table, ended = eager_to_end(seed), 0
    for length in LENGTHS:
        found = numpy(Beam(4, 4, length)(table_step(table), {}, first(1), 12))
        for ids, score in zip(found.ids[0], found.score[0], strict=True):
            if END in ids.tolist():
                check_ended(table, ids, score)
                ended += len(ids[ids != 0]) < 6
    assert ended > 3


def test_a_search_that_scores_words_behind_the_end_token_would_be_seen():
    """As KerasHub's BeamSampler does: every beam runs to the limit, and words are cut off afterwards."""
    table, seen = eager_to_end(0), 0
    alive = [(0.0, ())]
    for _ in range(8):
        candidates = [
            (total + log_p(table, (*words, word)) - log_p(table, words), (*words, word))
            for total, words in alive
            for word in (1, 3, 4, 5)
        ]
        alive = sorted(candidates, key=lambda each: -each[0])[:4]
    for total, words in alive:
        if END in words:
            ids = np.array(words[: words.index(END) + 1] + (0,) * 8)
            with pytest.raises(AssertionError):
                check_ended(table, ids, total)
            seen += 1
    assert seen


def test_it_stops_when_nothing_better_can_come():
    table = table_of(3, 6, 0.5)
    table[:, :, END] += 6.0  # every output of one word is far above all others
    for width, n_best, steps in ((1, 1, 1), (3, 1, 1), (3, 3, 2)):
        step, asked = table_step(table), []

        def counted(told, step=step, asked=asked):
            asked.append(told["position"])
            return step(told)

        found = numpy(Beam(width, n_best, LengthPenalty(0.0))(counted, {}, first(2), 50))
        assert len(asked) == steps
        check_ended(table, found.ids[0, 0], found.score[0, 0])


def late():
    """The end token is likely at once; whoever goes on is sure of every word up to the limit."""
    table = np.full((6, 6, 6), -9.0, "float32")
    table[:, START, [END, 4]] = [1.0, -1.0]
    table[:, 4, 4] = 4.0
    return table_step(table)


@pytest.mark.parametrize("length", [LengthPenalty(2.5), AverageLength()])
@pytest.mark.parametrize("width", [2, 3])
def test_it_waits_for_a_longer_output_that_may_be_worth_more(width, length):
    found = numpy(Beam(width, length=length)(late(), {}, first(1), 30))
    assert found.ids[0, 0].tolist() == [4] * 30
    assert numpy(Beam(width, length=LengthPenalty(0.0))(late(), {}, first(1), 30)).ids[0, 0, 0] == END


def test_it_waits_for_what_may_yet_cover_the_source():
    step, mask = late(), np.ones((1, 3), bool)

    def looking(told):
        weights = ops.one_hot(ops.full_like(told["tokens"], told["position"]), 3)  # word by word; (rows, 1, 3)
        return {**step(told), "weights": {"decoder": ops.expand_dims(weights, 1)}}

    for beta, wanted in ((0.0, END), (0.1, 4)):
        search = Beam(2, length=LengthPenalty(0.0), coverage=CoveragePenalty(beta))
        found = numpy(search(looking, {}, first(1), 3, Request(source_mask=mask)))
        assert found.ids[0, 0, 0] == wanted


def test_outputs_are_in_order_and_different_and_the_first_of_many_are_the_few():
    table = table_of(2, 7, 1.0)
    many = numpy(Beam(6, 6)(table_step(table), {}, first(1), 6))
    few = numpy(Beam(6, 2)(table_step(table), {}, first(1), 6))
    assert (np.diff(many.value[0]) <= 0).all()
    assert len({tuple(row) for row in many.ids[0].tolist()}) == 6
    np.testing.assert_array_equal(few.ids, many.ids[:, :2])
    np.testing.assert_array_equal(few.score, many.score[:, :2])


def test_where_there_are_fewer_outputs_than_wanted_the_rest_is_nothing():
    found = numpy(Beam(5, 5)(table_step(table_of(1, 4, 1.0)), {}, first(1), 1))  # two words may be said
    assert np.isfinite(found.value[0]).tolist() == [True, True, False, False, False]
    assert (found.ids[0, 2:] == 0).all()
    assert np.isneginf(found.score[0, 2:]).all()


def test_nothing_asked_nothing_given():
    step = table_step(table_of(1, 6, 1.0))
    for search in (Beam(3, 2), Greedy(), DiverseBeam(4, groups=2)):
        found = numpy(search(step, {}, first(2), np.array([0, 4], "int32")))
        assert (found.ids[0] == 0).all()
        assert found.score[0, 0] == found.value[0, 0] == 0.0
        assert found.ids[1, 0].any()
        assert numpy(search(step, {}, first(2), 0)).ids.shape[0::2] == (2, 0)
        assert numpy(search(step, {}, first(0), np.zeros(0, "int32"))).ids.shape[0::2] == (0, 0)


def test_a_limit_may_stand_in_the_request():
    step, limits = table_step(table_of(4, 6, 1.0)), np.array([2, 5], "int32")
    for search in (Beam(3), Greedy()):
        there = numpy(search(step, {}, first(2), limits))
        here = numpy(search(step, {}, first(2), 7, Request(limit=limits)))
        np.testing.assert_array_equal(here.ids[:, :, :5], there.ids)
        assert here.ids.shape[2] == 7
        np.testing.assert_array_equal(here.score, there.score)


def test_padding_and_start_are_never_said():
    for never in (0, START):
        table = table_of(1, 6, 0.1)
        table[:, :, never] = 9.0
        for search in (Beam(2), Greedy(), DiverseBeam(2, groups=2)):
            ids = numpy(search(table_step(table), {}, first(1), 5)).ids[0, 0]
            assert {1, 3, 4, 5} >= {*ids.tolist()} - {0}
            assert END in ids or 0 not in ids


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Beam(0), "width: expected at least 1, got 0"),
        (lambda: Beam(2, 3), r"n_best: expected 1 to width \(2\), got 3"),
        (lambda: Beam(2, length=0.6), r"length: expected LengthPenalty\(...\) or AverageLength\(...\), got 0.6"),
        (lambda: Beam(2, length=CoveragePenalty()), "length: expected .* got CoveragePenalty.*a place of their own"),
        (lambda: Beam(2, coverage=AverageLength()), r"coverage: expected CoveragePenalty\(...\) or None, got Average"),
        (lambda: LengthPenalty(-1.0), "alpha: expected at least 0"),
        (lambda: CoveragePenalty(-0.1), "beta: expected at least 0"),
        (lambda: DiverseBeam(4, groups=3), r"groups: expected a divisor of width \(4\), got 3"),
        (lambda: DiverseBeam(4, groups=2, strength=-1), "strength: expected at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_coverage_without_its_means_is_refused():
    step, mask = table_step(table_of(1, 6, 1.0)), np.ones((1, 3), bool)
    with pytest.raises(UserError, match="source_mask: expected one in Request, for the coverage penalty"):
        Beam(2, coverage=CoveragePenalty())(step, {}, first(1), 3)
    with pytest.raises(UserError, match="coverage: the model has no attention"):
        Beam(2, coverage=CoveragePenalty())(step, {}, first(1), 3, Request(source_mask=ops.convert_to_tensor(mask)))
