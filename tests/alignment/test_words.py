"""Pieces become words, and weights between pieces links between words."""

from __future__ import annotations

import numpy as np
import pytest

from keras_attn.alignment import hard_links, word_numbers, word_weights, words
from keras_attn.text import Vocabulary

TEXT = "a horse  rides; ☕ 日本語 é's ab"


@pytest.mark.parametrize(
    ("tokens", "numbers"),
    [
        (["▁a", "▁hor", "se", "</s>"], [0, 1, 1, -1]),
        (["▁", "a", "▁", "▁b"], [0, 0, 1, 1]),  # two spaces make no word of their own
        (["a", "b", "▁"], [0, 0, -1]),
        (["▁a", "<0xE2>", "<0x98>", "", ""], [0, 0, 0, -1, -1]),
        (["▁▁", "a", "▁▁b"], [0, 0, 1]),
        ([], []),
    ],
)
def test_a_word_stands_between_spaces(tokens, numbers):
    assert word_numbers(tokens).tolist() == numbers


@pytest.mark.parametrize("model", ["bpe", "unigram", "char"])
def test_words_of_any_pieces_are_those_of_the_text(model):
    vocabulary = Vocabulary.train(["a horse rides", "abs of a horse 日本"], size=300, model=model)
    (ids,) = vocabulary.encode([TEXT])
    tokens = vocabulary.pieces([*ids, 3])
    found = words(tokens)
    assert found == "".join(tokens[:-1]).replace("▁", " ").split()
    assert len(found) == len(TEXT.split())
    assert found[1] == "horse"


def test_weights_are_summed_over_what_is_looked_at_and_averaged_over_who_looks():
    weights = np.array([[0.5, 0.1, 0.2, 0.2], [0.3, 0.1, 0.4, 0.2], [0.0, 0.7, 0.1, 0.2]], "float32")
    source, target = ["▁a", "▁b", "c", "</s>"], ["▁x", "y", "▁z"]
    found = word_weights(weights, source, target)
    np.testing.assert_allclose(found, [[0.4, 0.4], [0.0, 0.8]], atol=1e-7)
    assert found.dtype == np.float32


def test_heads_are_merged_at_once():
    weights = np.random.default_rng(0).random((7, 3, 4))
    source, target = ["▁a", "▁b", "c", "</s>"], ["▁x", "y", "▁z"]
    together = word_weights(weights, source, target, 1)
    each = [word_weights(one, source, target, 1) for one in weights]
    np.testing.assert_allclose(together, each)


def test_a_shift_reads_the_step_behind_a_token_and_the_last_step_once_more():
    weights = np.eye(3)
    source, target = ["▁a", "▁b", "▁c"], ["▁x", "▁y", "▁z"]  # cut: without an end
    assert sorted(hard_links(word_weights(weights, source, target, 1)), key=lambda link: link[1]) == [
        (1, 0),
        (2, 1),
        (2, 2),
    ]


def test_the_end_is_no_word_however_much_it_is_looked_at():
    weights = np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]])
    found = word_weights(weights, ["▁a", "▁b", "</s>"], ["▁x", "</s>"])
    assert hard_links(found) == {(1, 0)}


def test_a_word_that_looks_nowhere_has_no_link():
    assert hard_links([[0.0, 0.0], [0.1, 0.9]]) == {(1, 1)}


@pytest.mark.parametrize(("source", "target"), [([], ["▁x"]), (["▁a"], []), (["</s>"], ["</s>"])])
def test_without_words_there_are_no_links(source, target):
    assert hard_links(word_weights(np.zeros((len(target), len(source))), source, target)) == frozenset()
