import gc
import os

import numpy as np
import pytest

from keras_attn.data import EncodedPairs, encoded, read_pairs
from keras_attn.errors import UserError
from keras_attn.text import Tokenizer

PAIRS = [("a man rides a horse", "ein Mann"), ("two", "zwei Hunde laufen"), ("the sky ☃", "Himmel")]


@pytest.fixture(scope="module")
def text():
    return Tokenizer.train(PAIRS, vocabulary_size=300, model="bpe")


@pytest.fixture(params=["memory", "files"])
def cache(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "deep" / "cache"


def sides(corpus):
    return [(corpus.source(i).tolist(), corpus.target(i).tolist()) for i in range(len(corpus))]


def by_hand(pairs, text):
    return [(text.source.encode([s])[0].tolist(), text.target.encode([t])[0].tolist()) for s, t in pairs]


def test_ids_and_lengths_are_those_of_the_vocabularies(text, cache):
    corpus = EncodedPairs.encode(PAIRS, text, cache=cache)
    assert len(corpus) == 3
    assert sides(corpus) == by_hand(PAIRS, text)
    assert corpus.source_lengths.tolist() == [len(s) for s, _ in by_hand(PAIRS, text)]
    assert corpus.target_lengths.tolist() == [len(t) for _, t in by_hand(PAIRS, text)]
    assert corpus.source_lengths.dtype == corpus.target_lengths.dtype == corpus.source(0).dtype == np.int32
    assert corpus.dropped == 0


def test_chunks_do_not_show(text, cache, monkeypatch):
    many = [(f"{s} {i}", f"{t} {i}") for i in range(10) for s, t in PAIRS]
    monkeypatch.setattr(encoded, "CHUNK", 7)
    assert sides(EncodedPairs.encode(iter(many), text, cache=cache)) == by_hand(many, text)
    monkeypatch.setattr(encoded, "CHUNK", 30)
    assert sides(EncodedPairs.encode(read_pairs(many), text, cache=cache)) == by_hand(many, text)


@pytest.mark.parametrize("side", ["source", "target"])
def test_pairs_with_a_longer_side_are_dropped_and_counted(text, cache, side):
    ids = by_hand(PAIRS, text)
    lengths = [len(pair[side == "target"]) for pair in ids]
    limit = sorted(lengths)[1]
    corpus = EncodedPairs.encode(PAIRS, text, cache=cache, **{f"max_{side}_length": limit})
    assert sides(corpus) == [pair for pair, length in zip(ids, lengths, strict=True) if length <= limit]
    assert corpus.dropped == 1
    assert EncodedPairs.encode(PAIRS, text, cache=cache, **{f"max_{side}_length": 0}).dropped == 3


def test_an_empty_corpus_has_no_pairs(text, cache):
    corpus = EncodedPairs.encode([], text, cache=cache)
    assert len(corpus) == 0
    assert corpus.source_lengths.shape == (0,)
    assert [part.shape for part in corpus.gather(np.zeros(0, int), 3, 4)] == [(0, 3), (0, 4)]


def test_gather_pads_each_side_to_its_length(text, cache):
    corpus = EncodedPairs.encode(PAIRS, text, cache=cache)
    ids = by_hand(PAIRS, text)
    longest = [max(len(pair[side]) for pair in ids) for side in (0, 1)]
    order = np.array([2, 0, 2, 1])
    for extra in (0, 3):
        source, target = corpus.gather(order, longest[0] + extra, longest[1] + extra)
        assert source.dtype == target.dtype == np.int32
        assert (source.shape, target.shape) == ((4, longest[0] + extra), (4, longest[1] + extra))
        for row, i in enumerate(order):
            assert source[row].tolist() == ids[i][0] + [0] * (longest[0] + extra - len(ids[i][0]))
            assert target[row].tolist() == ids[i][1] + [0] * (longest[1] + extra - len(ids[i][1]))
    with pytest.raises(UserError, match=f"source_length: expected at least {longest[0]}"):
        corpus.gather(order, longest[0] - 1, longest[1])
    with pytest.raises(UserError, match=f"target_length: expected at least {longest[1]}"):
        corpus.gather(order, longest[0], longest[1] - 1)


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_out_of_range_is_refused(text, index):
    corpus = EncodedPairs.encode(PAIRS, text)
    with pytest.raises(IndexError, match="expected 0 to 2"):
        corpus.source(index)


def test_files_hold_the_ids_and_leave_nothing_behind(text, tmp_path):
    corpus = EncodedPairs.encode(PAIRS, text, cache=tmp_path)
    assert isinstance(corpus._source.ids, np.memmap)
    assert os.listdir(tmp_path) == [], "the files have no name, so a crash leaves none"
    expected = by_hand(PAIRS, text)
    gc.collect()
    assert sides(corpus) == expected
