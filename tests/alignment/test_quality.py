"""Links are counted as Och and Ney count them; baselines link what they say."""

from __future__ import annotations

import math

import pytest

from keras_attn.alignment import (
    Gold,
    alignment_quality,
    diagonal,
    differing_only,
    linked_only,
    parse_links,
    same_string,
)
from keras_attn.errors import UserError


def test_sure_and_possible_links_are_told_apart():
    gold = parse_links("0-1 12p3\t2-2")
    assert gold.sure == {(0, 1), (2, 2)}
    assert gold.possible == {(0, 1), (12, 3), (2, 2)}
    assert parse_links("") == Gold(frozenset(), frozenset())


@pytest.mark.parametrize("word", ["1", "a-b", "1-2-3", "-1-2", "1–2", "1-"])
def test_what_is_no_link_is_named(word):
    with pytest.raises(UserError, match=word):
        parse_links(f"0-0 {word}")


def test_the_error_rate_is_that_of_the_paper():
    # |A| = 4, |S| = 3, |A and S| = 2, |A and P| = 3, in two sentences
    found = [frozenset({(0, 0), (1, 1), (5, 5)}), frozenset({(0, 1)})]
    gold = [parse_links("0-0 1p1 2-2"), parse_links("0-1")]
    quality = alignment_quality(found, gold)
    assert quality.precision == 3 / 4
    assert quality.recall == 2 / 3
    assert quality.error_rate == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert (quality.found, quality.sure) == (4, 3)


def test_with_sure_links_only_it_is_one_minus_f1():
    quality = alignment_quality([frozenset({(0, 0), (1, 1), (2, 3)})], [parse_links("0-0 1-1 2-2 3-3 4-4")])
    f1 = 2 * quality.precision * quality.recall / (quality.precision + quality.recall)
    assert quality.error_rate == pytest.approx(1 - f1)


def test_nothing_found_is_no_precision_and_an_error_of_one():
    quality = alignment_quality([frozenset()], [parse_links("0-0")])
    assert math.isnan(quality.precision)
    assert (quality.recall, quality.error_rate) == (0, 1)


def test_as_many_alignments_as_references():
    with pytest.raises(ValueError, match="zip"):
        alignment_quality([frozenset()], [])


def test_words_that_people_left_open_do_not_count():
    assert linked_only(frozenset({(0, 0), (3, 1), (2, 2)}), parse_links("0-0 1p1")) == {(0, 0), (3, 1)}


def test_links_of_differing_words_are_chosen_by_their_form():
    gold = differing_only(parse_links("0-0 1-1 2p2"), ["the", "Ass", "x"], ["the", "ass", "y"])
    assert gold == parse_links("1-1 2p2")


def test_the_diagonal_goes_from_the_first_to_the_last_word():
    assert diagonal("abcde", "xyz") == {(0, 0), (2, 1), (4, 2)}
    assert diagonal("a", "xy") == {(0, 0), (0, 1)}
    assert diagonal("", "xy") == frozenset()


def test_of_equal_words_the_nearest_to_the_diagonal_is_linked():
    source, target = (
        ["The", "man", "and", "the", "dog", "and", "the", "cat"],
        ["the", "man", "the", "dog", "his", "cat"],
    )
    assert same_string(source, target) == {(0, 0), (1, 1), (3, 2), (4, 3), (7, 5)}
