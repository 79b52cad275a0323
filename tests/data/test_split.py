"""A validation set out of training pairs: sources stay together, and the choice is the seed's."""

from __future__ import annotations

import pytest

from keras_attn.data import hold_out
from keras_attn.errors import UserError

PAIRS = [(f"source {number % 50}", f"target {number}") for number in range(200)]


def test_a_source_falls_on_one_side_with_all_its_targets():
    kept, held = hold_out(PAIRS, one_in=20)
    assert sorted([*kept, *held]) == sorted(PAIRS)
    assert len({pair.source for pair in held}) == 10
    assert not {source for source, _ in kept} & {pair.source for pair in held}


def test_the_choice_is_the_seeds_and_no_order_changes_it():
    chosen = {seed: {pair.source for pair in hold_out(PAIRS, seed=seed)[1]} for seed in (1, 2)}
    assert chosen[1] != chosen[2]
    assert {pair.source for pair in hold_out(PAIRS[::-1], seed=1)[1]} == chosen[1]
    fewer = {pair.source for pair in hold_out(PAIRS, seed=1, at_most=3)[1]}
    assert len(fewer) == 3
    assert fewer < chosen[1]


def test_few_sources_with_many_targets_are_never_all_held_out():
    pairs = [(source, str(number)) for source in "abc" for number in range(40)]
    kept, held = hold_out(pairs, one_in=20)  # six of three
    assert len({source for source, _ in kept}) == 1
    assert len(held) == 80


def test_one_source_cannot_be_split():
    with pytest.raises(UserError, match="pairs: expected at least two different sources to hold one out, got 1"):
        hold_out([("a", "1"), ("a", "2")])
