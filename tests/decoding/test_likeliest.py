"""The best words through the maxima of blocks: what top-k of all words gives, ties and all."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_attn.decoding.likeliest import LARGE, NEVER, likeliest, log_total, own_log_p, top

SIZES = (LARGE - 1, LARGE, 2003, 2560, 4001)  # prime, of whole blocks, one more than that


def first_of_equals(scores, count):
    """Words by (score, the highest first; word), from a stable sort of all."""
    word = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(scores, word, axis=1), word


@settings(max_examples=60, deadline=None)
@given(
    vocabulary=st.sampled_from(SIZES),
    count=st.integers(1, 14),
    levels=st.sampled_from((1, 2, 5, 10**6)),
    low=st.sampled_from((0.0, NEVER, -np.inf)),
    seen=st.sampled_from((0.002, 0.7)),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_give_what_a_stable_sort_of_all_gives(vocabulary, count, levels, low, seen, seed):
    random = np.random.default_rng(seed)
    scores = random.integers(levels, size=(3, vocabulary)).astype("float32")  # of few levels there are many ties
    hidden = random.random((3, vocabulary)) > seen
    scores[hidden] = scores[hidden] * 0 + low
    best, word = numpy(top(scores, count))
    wanted, words = first_of_equals(scores, count)
    np.testing.assert_array_equal(best, wanted)
    np.testing.assert_array_equal(word, words)
    assert word.dtype == "int32"


@pytest.mark.parametrize("vocabulary", SIZES)
@pytest.mark.parametrize("count", [1, 2, 10])
def test_padding_and_start_are_never_among_them(vocabulary, count):
    scores = np.random.default_rng(count).normal(size=(7, vocabulary)).astype("float32")
    scores[:5, 0], scores[2:, 2] = 9, 8
    best, word = numpy(likeliest(scores, count, (0, 2)))
    scores[:, [0, 2]] = NEVER
    wanted, words = first_of_equals(scores, count)
    for row in range(len(scores)):
        may = best[row] > NEVER / 2
        np.testing.assert_array_equal(word[row][may][:count], words[row])
        np.testing.assert_array_equal(best[row][may][:count], wanted[row])
    assert not np.isin(word[best > NEVER / 2], (0, 2)).any()


def test_no_rows_have_no_words():
    assert numpy(likeliest(ops.zeros((0, 2560)), 3, (0, 2)))[1].shape[0] == 0


@pytest.mark.parametrize("vocabulary", [1, 5, *SIZES])
@pytest.mark.parametrize("spread", [1.0, 300.0])
def test_the_total_of_all_words_is_the_log_of_the_sum_of_exponentials(vocabulary, spread):
    logits = spread * np.random.default_rng(vocabulary).normal(size=(4, vocabulary)).astype("float32")
    wide = logits.astype("float64")
    wanted = wide.max(1) + np.log(np.exp(wide - wide.max(1, keepdims=True)).sum(1))
    np.testing.assert_allclose(numpy(log_total(logits)), wanted, rtol=1e-6, atol=1e-6)


def test_log_p_of_words_in_longer_texts():
    logits = np.random.default_rng(1).normal(size=(2, 3, 11)).astype("float32")
    word = np.array([[[1], [2], [3]], [[0], [10], [4]]], "int32")
    wanted = np.take_along_axis(logits - np.log(np.exp(logits).sum(2, keepdims=True)), word, axis=2)
    np.testing.assert_allclose(numpy(own_log_p(logits, word)), wanted, atol=1e-6)
