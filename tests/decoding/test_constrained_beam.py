"""Phrases that have to be said are said, whatever they are."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from catalogue import numpy
from hypothesis import example, given, settings
from keras import ops
from small_search import words
from table_model import END, first, log_p, table_of, table_step

from keras_attn.decoding import Beam, ConstrainedBeam, LengthPenalty, Request
from keras_attn.decoding.phrases import progress
from keras_attn.errors import UserError

FEW = settings(max_examples=15, deadline=None, derandomize=True)
PHRASE = st.lists(st.sampled_from([1, 4, 5, 6]), min_size=0, max_size=3)
SENTENCES = st.lists(st.lists(PHRASE, min_size=2, max_size=2), min_size=1, max_size=3)


def padded(sentences):
    return np.array([[phrase + [0] * (3 - len(phrase)) for phrase in phrases] for phrases in sentences], "int32")


def has(said, phrase):
    return any(said[place : place + len(phrase)] == tuple(phrase) for place in range(len(said) - len(phrase) + 1))


@FEW
@given(sentences=SENTENCES, width=st.integers(1, 4), seed=st.integers(0, 10**6), more=st.integers(0, 3))
def test_all_phrases_are_said_if_there_is_room_for_them(sentences, width, seed, more):
    table = table_of(seed, 8, 3.0)
    limits = np.array([max(1, sum(map(len, phrases)) + more) for phrases in sentences], "int32")
    search = ConstrainedBeam(width, width)
    found = numpy(search(table_step(table), {}, first(len(sentences)), limits, Request(phrases=padded(sentences))))
    for sentence, phrases in enumerate(sentences):
        assert np.isfinite(found.value[sentence, 0])
        assert len({words(ids) for ids in found.ids[sentence]} - {()}) == np.isfinite(found.value[sentence]).sum()
        for ids, total in zip(found.ids[sentence], found.score[sentence], strict=True):
            if np.isfinite(total):
                assert all(has(words(ids), phrase) for phrase in phrases)
                assert len(words(ids)) == limits[sentence] or words(ids)[-1] == END
                np.testing.assert_allclose(total, log_p(table, words(ids)), atol=1e-4)


@FEW
@given(
    said=st.lists(st.sampled_from([1, 4, 5]), min_size=0, max_size=6),
    phrases=st.lists(st.lists(st.sampled_from([1, 4, 5]), max_size=3), min_size=1, max_size=3),
)
@example([4], [[4, 5], [4, 1]])
@example([5, 4], [[4, 5], [5]])
def test_progress_is_what_stands_there_and_the_farthest_of_what_is_begun(said, phrases):
    ids = np.array([said + [0] * (6 - len(said))], "int32")
    met, following = numpy(
        progress(ops.convert_to_tensor(ids), ops.cast(len(said), "int32"), ops.convert_to_tensor(padded([phrases])), 0)
    )
    there, begun = 0, [0]
    for index, phrase in enumerate(phrases):
        if has(tuple(said), phrase):
            there += len(phrase)
            assert following[0, index] == 0
        else:
            ends = [n for n in range(len(phrase)) if n <= len(said) and said[len(said) - n :] == phrase[:n]]
            begun.append(max(ends))
            assert following[0, index] == phrase[max(ends)]
    assert met[0] == there + max(begun)


def test_without_phrases_it_is_the_beam_also_beside_a_sentence_that_has_some():
    phrases = padded([[[], []], [[4, 5], [6]], [[], []]])
    for seed in range(4):
        step, limits = table_step(table_of(seed, 8, 1.5)), np.array([6, 7, 4], "int32")
        found = numpy(ConstrainedBeam(3, 3)(step, {}, first(3), limits, Request(phrases=phrases)))
        beam = numpy(Beam(3, 3)(step, {}, first(3), limits))
        for leaf in range(3):
            np.testing.assert_array_equal(found[leaf][::2], beam[leaf][::2])
        assert (found.ids[1, 0] != beam.ids[1, 0]).any()


def test_a_phrase_is_said_where_it_costs_least():
    """After 5 comes 4 anyhow; a search that only forced words at the end, or at once, would pay more."""
    table = np.full((7, 7, 7), -4.0, "float32")
    for before, word in ((2, 6), (6, 5), (5, 4), (4, 3)):
        table[:, before, word] = 4.0
    limit, phrases = 6, padded([[[5, 4], []]])
    found = numpy(ConstrainedBeam(4)(table_step(table), {}, first(1), limit, Request(phrases=phrases)))
    assert words(found.ids[0, 0]) == (6, 5, 4, 3)
    phrases = padded([[[1], []]])
    found = numpy(
        ConstrainedBeam(8, length=LengthPenalty(0.0))(table_step(table), {}, first(1), limit, Request(phrases=phrases))
    )
    assert 1 in words(found.ids[0, 0])
    assert words(found.ids[0, 0])[-1] == END


def test_a_limit_without_room_gives_nothing():
    step, phrases = table_step(table_of(1, 8, 1.0)), padded([[[4, 5], [6]]])
    found = numpy(ConstrainedBeam(4, 2)(step, {}, first(1), 2, Request(phrases=phrases)))
    assert not found.ids.any()
    assert np.isneginf(found.value).all()


def test_to_ask_without_phrases_is_refused():
    with pytest.raises(UserError, match="phrases: expected some in Request"):
        ConstrainedBeam(2)(table_step(table_of(1, 8, 1.0)), {}, first(1), 3)
