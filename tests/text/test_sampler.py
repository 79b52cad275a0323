"""Segmentations drawn at random: the same text, the same draw for the same seed, and as often as the papers say."""

import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import sentencepiece

from keras_attn.errors import UserError
from keras_attn.text import Sampler, Vocabulary, sampling

LINES = [f"a man rides {'a brown ' * (i % 3)}horse  beside the river ☃☃ {i}" for i in range(60)]
MANY = 20_000


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def vocabulary(request):
    return Vocabulary.train(LINES[:50], size=340, model=request.param)


def rows(sampler, seed):
    ids, ends = sampler.draw(seed)
    return [row.tolist() for row in np.split(ids, ends[:-1])]


def test_the_text_is_the_same(vocabulary):
    drawn = rows(Sampler(vocabulary, LINES, 0.3), 1)
    assert vocabulary.decode(drawn) == [vocabulary.normalize(line) for line in LINES]
    assert drawn != [row.tolist() for row in vocabulary.encode(LINES)]


def test_the_same_seed_draws_the_same_in_any_order(vocabulary, monkeypatch):
    sampler = Sampler(vocabulary, LINES, 0.3)
    first = {seed: rows(sampler, seed) for seed in (5, 1, 3)}
    sentencepiece.set_random_generator_seed(3)
    vocabulary.encode(LINES)
    monkeypatch.setattr(sampling, "MOST", 0)  # forgets what it has seen
    for again in (sampler, Sampler(vocabulary, LINES, 0.3)):
        assert {seed: rows(again, seed) for seed in (1, 3, 5)} == first
    assert first[1] != first[3] != first[5]


def test_another_process_draws_the_same(vocabulary, tmp_path):
    (tmp_path / "model").write_bytes(vocabulary.model_bytes)
    program = (
        "import sys; from keras_attn.text import Sampler, Vocabulary; v = Vocabulary(open(sys.argv[1], 'rb').read());"
        "print(Sampler(v, ['a man rides'] * 9, 0.3).draw([11, 2])[0].tolist())"
    )
    command = [sys.executable, "-c", program, tmp_path / "model"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(Sampler(vocabulary, ["a man rides"] * 9, 0.3).draw([11, 2])[0].tolist())


def frequencies(vocabulary, word, alpha):
    counts = Counter(map(tuple, rows(Sampler(vocabulary, [word] * MANY, alpha), 0)))
    return {split: count / MANY for split, count in counts.items()}


def assert_drawn(found, expected):
    """Within five standard deviations each."""
    assert sum(expected.values()) == pytest.approx(1)
    for split in found.keys() | expected.keys():
        p = expected.get(split, 0.0)
        assert abs(found.get(split, 0.0) - p) <= 5 * np.sqrt(p * (1 - p) / MANY) + 1e-12, split
    assert len(found) > 4


def merging(split, scores, p):
    """Provilkov et al. 2020, algorithm 1, with every outcome of every drop: {split: probability}."""
    possible = [i for i in range(len(split) - 1) if split[i] + split[i + 1] in scores]
    if not possible:
        return {split: 1.0}
    outcome = Counter()
    for kept in itertools.product([True, False], repeat=len(possible)):
        chance = np.prod([1 - p if keep else p for keep in kept])
        merges = [i for i, keep in zip(possible, kept, strict=True) if keep]
        if not merges:
            outcome[split] += chance
            continue
        i = max(merges, key=lambda i: (scores[split[i] + split[i + 1]], -i))
        following = (*split[:i], split[i] + split[i + 1], *split[i + 2 :])
        for end, probability in merging(following, scores, p).items():
            outcome[end] += chance * probability
    return outcome


def test_merges_are_left_out_as_in_the_paper():
    vocabulary = Vocabulary.train(LINES[:50], size=340, model="bpe")
    processor = vocabulary._processor
    scores = {processor.id_to_piece(i): processor.get_score(i) for i in range(4 + 256, vocabulary.size)}
    ends = merging(tuple("▁rides"), scores, 0.3)
    expected = {tuple(map(processor.piece_to_id, end)): chance for end, chance in ends.items()}
    assert_drawn(frequencies(vocabulary, "rides", 0.3), expected)


def test_a_segmentation_is_drawn_in_proportion_to_a_power_of_its_probability():
    text = ["ab abc bc cab"] * 5 + ["b abcab a c"] * 3
    vocabulary = Vocabulary.train(text, size=22, model="unigram", byte_fallback=False)
    processor = vocabulary._processor
    scores = {processor.id_to_piece(i): processor.get_score(i) for i in range(4, vocabulary.size)}
    word, weights = "▁abcab", {}
    for cuts in itertools.product([True, False], repeat=len(word) - 1):
        places = [0, *(i for i, cut in enumerate(cuts, 1) if cut), len(word)]
        split = [word[begin:end] for begin, end in itertools.pairwise(places)]
        if all(piece in scores for piece in split):
            weights[tuple(map(processor.piece_to_id, split))] = np.exp(0.4 * sum(scores[piece] for piece in split))
    total = sum(weights.values())
    assert_drawn(
        frequencies(vocabulary, "abcab", 0.4), {split: float(weight / total) for split, weight in weights.items()}
    )


def test_without_dropout_it_is_the_encoding():
    vocabulary = Vocabulary.train(LINES[:50], size=340, model="bpe")
    assert rows(Sampler(vocabulary, LINES, 1e-12), 0) == [row.tolist() for row in vocabulary.encode(LINES)]


def test_dropout_of_everything_leaves_characters():
    vocabulary = Vocabulary.train(LINES[:50], size=340, model="bpe")
    (drawn,) = rows(Sampler(vocabulary, ["a man"], 1.0), 0)
    assert vocabulary.pieces(drawn) == ["▁", "a", "▁", "m", "a", "n"]


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_unknown_characters_in_a_row_are_one_unknown_as_in_the_encoding(model):
    vocabulary = Vocabulary.train(["a man rides a horse"] * 9, size=20, model=model, byte_fallback=False)
    (plain,) = vocabulary.encode(["☃☃a☃ ☃☃"])
    (drawn,) = rows(Sampler(vocabulary, ["☃☃a☃ ☃☃"], 0.9), 0)
    assert drawn == plain.tolist()
    assert drawn.count(1) == 3


def test_no_text_draws_nothing(vocabulary):
    ids, ends = Sampler(vocabulary, [], 0.1).draw(0)
    assert (ids.shape, ends.shape) == ((0,), (0,))
    ids, ends = Sampler(vocabulary, ["", "a", ""], 0.1).draw(0)
    assert ends.tolist() == [0, len(ids), len(ids)]
    assert ids.dtype == np.int32


@pytest.mark.parametrize("model", ["char", "word"])
def test_a_vocabulary_of_one_segmentation_is_refused(model):
    vocabulary = Vocabulary.train(LINES, size=340, model=model)
    with pytest.raises(UserError, match=f"expected one of model bpe or unigram to sample from, got {model}"):
        Sampler(vocabulary, ["a man"], 0.1)


@pytest.mark.parametrize(
    ("strings", "alpha", "message"),
    [
        ("a man", 0.1, "strings: expected a list"),
        (["a man"], 0.0, "alpha: expected a number above 0, at most 1, got 0.0"),
        (["a man"], 1.5, "alpha: .* got 1.5"),
    ],
)
def test_bad_arguments_are_named(vocabulary, strings, alpha, message):
    with pytest.raises(UserError, match=message):
        Sampler(vocabulary, strings, alpha)
