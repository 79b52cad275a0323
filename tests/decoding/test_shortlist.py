"""A search among few words against the same search over all of them, the others barred by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from catalogue import ModelRow, ids, numpy, over
from keras import ops

from keras_attn.decoding import Beam, Ensemble, Greedy, Request, Sample, Shortlist, SuppressTokens, search_short
from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder

SOURCE, TARGET = 13, 23
LENGTHS = (5, 3, 1, 4, 2)
LIMITS = np.array([7, 4, 9, 1, 5], "int32")
SIZES = {"layers": 2, "width": 8, "heads": 2, "feed_forward": 7}

ROWS = [
    ModelRow("gru", RNNEncoder(units=7, embedding=5), RNNDecoder(units=11, embedding=5), (SOURCE, TARGET)),
    ModelRow(
        "gru-tied",
        RNNEncoder(units=7, embedding=5),
        RNNDecoder(units=11, embedding=5, deep_output=True, tied=True),
        (SOURCE, TARGET),
    ),
    ModelRow("transformer", TransformerEncoder(**SIZES), TransformerDecoder(**SIZES, tied=True), (SOURCE, TARGET)),
]
every_row = over(ROWS)
every_search = pytest.mark.parametrize("search", [Greedy(), Beam(3, n_best=2)], ids=["greedy", "beam"])


def candidates(count=3, seed=2):
    return np.random.default_rng(seed).integers(0, TARGET, (SOURCE, count)).astype("int32")


def short(search, views, shortlist, source, limits=LIMITS):
    encoded = views.encoder(source)
    found = search_short(search, views, shortlist, source, encoded["memory"], encoded["state"], limits)
    return [numpy(leaf) for leaf in found]


def barred(search, views, allowed, source, limit, vocabulary=TARGET):
    """One sentence by itself, with all the other words made impossible."""
    bar = np.full(vocabulary, -1e30, "float32")
    bar[sorted(allowed)] = 0

    def step(told):
        out = views.step(told)
        return {**out, "logits": out["logits"] + bar}

    encoded = views.encoder(source)
    return [numpy(leaf) for leaf in search(step, encoded["memory"], encoded["state"], limit)]


@every_row
@every_search
def test_with_all_words_nothing_changes(row, search):
    views, source = row.views(), ids(7, SOURCE, LENGTHS)
    encoded = views.encoder(source)
    whole = [numpy(leaf) for leaf in search(views.step, encoded["memory"], encoded["state"], LIMITS)]
    found = short(search, views, Shortlist(candidates(), range(TARGET)), source)
    np.testing.assert_array_equal(found[0], whole[0])
    for ours, theirs in zip(found[1:], whole[1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@every_row
@every_search
def test_each_sentence_has_its_own_words_whatever_the_batch(row, search):
    views, source, called = row.views(), ids(7, SOURCE, LENGTHS), candidates()
    found = short(search, views, Shortlist(called, [0, 1, 2, 3, 6]), source)
    unlike = 0
    for index, length in enumerate(LENGTHS):
        allowed = {0, 1, 2, 3, 6, *called[source[index, :length]].ravel().tolist()}
        one = barred(search, views, allowed, source[index : index + 1, :length], LIMITS[index : index + 1])
        wide = one[0].shape[2]
        np.testing.assert_array_equal(found[0][index, :, :wide], one[0][0])
        assert not found[0][index, :, wide:].any()
        for ours, theirs in zip(found[1:], one[1:], strict=True):
            np.testing.assert_allclose(ours[index], theirs[0], rtol=1e-5)
        free = barred(search, views, range(TARGET), source[index : index + 1, :length], LIMITS[index : index + 1])
        unlike += free[0].tolist() != one[0].tolist()
    assert unlike, "the words that are left out were never wanted, so this has shown nothing"


@every_row
def test_it_runs_in_a_graph_of_any_batch(row):
    views, source = row.views(), ids(7, SOURCE, LENGTHS)
    shortlist = Shortlist(candidates(), [0, 1, 2, 3, 6])

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def decode(source, limits):
        encoded = views.encoder(source, training=False)
        return search_short(Beam(2), views, shortlist, source, encoded["memory"], encoded["state"], limits)

    eager = short(Beam(2), views, shortlist, source)
    np.testing.assert_array_equal(numpy(decode(source, LIMITS).ids), eager[0])
    assert decode(source[:0], LIMITS[:0]).ids.shape[0] == 0


def test_words_of_a_batch_are_those_that_always_come_and_those_that_are_called_for():
    called = np.zeros((5, 2), "int32")
    called[4], called[3] = (9, 7), (8, 0)
    words, may = map(
        numpy, Shortlist(called, [3, 2, 1, 0, 11], most=8).words(ops.convert_to_tensor([[4, 0], [3, 3]]), 12)
    )
    assert words.tolist() == [0, 1, 2, 3, 11, 7, 8, 9]
    assert may.tolist() == [[True] * 5 + [True, False, True], [True] * 5 + [False, True, False]]
    words, _ = Shortlist(called, [0, 1, 2, 3, 11], most=6).words(ops.convert_to_tensor([[4, 3]]), 12)
    assert numpy(words).tolist() == [0, 1, 2, 3, 11, 7]  # of 7, 8, 9 there is room for one
    words, may = Shortlist(called, [0, 1, 2, 3], most=99).words(ops.convert_to_tensor([[4]]), 12)
    assert sorted(numpy(words).tolist()) == list(range(12))  # a vocabulary smaller than the list
    assert numpy(may).sum() == 6


@pytest.mark.parametrize("vocabulary", [2001, 2049, 5000])
def test_of_a_large_vocabulary_there_are_as_many_words_as_are_needed_in_whole_blocks(vocabulary):
    called = np.arange(4, 4 + 4 * 700, dtype="int32").reshape(4, 700) % vocabulary
    shortlist = Shortlist(called, [0, 1, 2, 3])
    for source in ([[1]], [[1, 2], [3, 2]]):
        words, may = map(numpy, shortlist.words(ops.convert_to_tensor(source), vocabulary))
        for row, one in zip(may, source, strict=True):
            assert set(words[row].tolist()) == {0, 1, 2, 3, *called[one].ravel().tolist()}
            assert len(set(words[row].tolist())) == row.sum()  # none of them twice
        needed = len({0, 1, 2, 3, *called[source].ravel().tolist()})
        assert len(words) % 50 == 0
        assert max(needed, 2000) <= len(words) < max(needed, 2000) + 50
        assert words.max() < vocabulary


LIKELIEST = Sample(2, top_k=1, top_p=0.9, typical=0.9)  # draws among one word, wherever it stands


@pytest.mark.parametrize(
    "search", [Greedy(), Beam(3, n_best=2), Beam(25), LIKELIEST], ids=["greedy", "beam", "wide", "sample"]
)
def test_a_large_vocabulary_is_searched_as_if_by_itself(search):
    """Blocks of words, a number of words that only the running graph knows, and a beam too wide for blocks."""
    vocabulary = 3333
    row = ModelRow("large", TransformerEncoder(**SIZES), TransformerDecoder(**SIZES, tied=True), (SOURCE, vocabulary))
    views, source = row.views(), ids(7, SOURCE, LENGTHS)
    called = np.random.default_rng(3).integers(0, vocabulary, (SOURCE, 700)).astype("int32")
    shortlist = Shortlist(called, [0, 1, 2, 3])

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def decode(source, limits):
        encoded = views.encoder(source, training=False)
        return search_short(search, views, shortlist, source, encoded["memory"], encoded["state"], limits)

    found = [numpy(leaf) for leaf in decode(source, LIMITS)]
    for index, length in enumerate(LENGTHS):
        own = source[index : index + 1, :length]
        allowed = {0, 1, 2, 3, *called[own[0]].ravel().tolist()}
        one = barred(search, views, allowed, own, LIMITS[index : index + 1], vocabulary)
        np.testing.assert_array_equal(found[0][index, :, : one[0].shape[2]], one[0][0])
        np.testing.assert_allclose(found[1][index], one[1][0], rtol=1e-5)


def test_candidates_are_the_likeliest_that_do_not_come_always():
    source, target = np.array([4, 4, 4, 4, 5, 5]), np.array([7, 8, 9, 10, 7, 8])
    lexicon = SimpleNamespace(source=source, target=target, probability=np.array([0.4, 0.1, 0.3, 0.2, 0.5, 0.5]))
    found = Shortlist.of(lexicon, [7], 6, each=2, most=9)
    assert found.candidates.tolist() == [[0, 0]] * 4 + [[9, 10], [8, 0]]
    assert (found.always.tolist(), found.most) == ([0, 1, 2, 3, 7], 9)


def test_what_is_saved_is_loaded(tmp_path):
    made = Shortlist(candidates(), [0, 1, 2, 3, 9], most=17)
    made.save(tmp_path / "list.npz")
    found = Shortlist.load(tmp_path / "list.npz")
    assert (found.most, found.always.tolist()) == (17, [0, 1, 2, 3, 9])
    np.testing.assert_array_equal(found.candidates[1:], candidates()[1:])
    (tmp_path / "list.npz").write_bytes((tmp_path / "list.npz").read_bytes()[:-40])
    for name in ("list.npz", "absent.npz"):
        with pytest.raises(UserError, match=f"{name}: cannot be read as a shortlist"):
            Shortlist.load(tmp_path / name)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UserError, match="always: expected the special ids 0 to 3"):
        Shortlist(candidates(), [0, 1, 3])
    with pytest.raises(UserError, match="most: expected at least the 5 of `always`, got 4"):
        Shortlist(candidates(), [0, 1, 2, 3, 9], most=4)
    views, source = ROWS[0].views(), ids(7, SOURCE, LENGTHS)
    shortlist = Shortlist(candidates(), [0, 1, 2, 3])
    with pytest.raises(UserError, match="rules: expected none with a shortlist"):
        short(Greedy((SuppressTokens((9,)),)), views, shortlist, source)
    with pytest.raises(UserError, match="prefix: expected none with a shortlist"):
        search_short(Greedy(), views, shortlist, source, {}, {}, 3, Request(prefix=source))
    with pytest.raises(UserError, match="end: expected 3 with a shortlist, got 8"):
        short(Greedy(end=8), views, shortlist, source)
    with pytest.raises(UserError, match="views: expected those of one model"):
        short(Greedy(), Ensemble([views]), shortlist, source)
