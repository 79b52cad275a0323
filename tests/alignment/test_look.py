"""The layer, head and shift that agree with given links are found."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from keras_attn.alignment import Look, choose_look, parse_links
from keras_attn.errors import UserError

LENGTH = 5
GOLD = [parse_links("0-0 2-1 1-2 3-3 3-4"), parse_links("4-0 4-1")]


def attention(gold, seed, right=("decoder_1", 2, 1)):
    """Random weights of 2 layers with 3 heads, but for one that looks where `gold` says."""
    random = np.random.default_rng(seed)
    weights = {f"decoder_{layer}": random.dirichlet(np.ones(LENGTH + 1), (3, LENGTH + 1)) for layer in range(2)}
    layer, head, shift = right
    if layer not in weights:
        weights[layer] = random.dirichlet(np.ones(LENGTH + 1), (1, LENGTH + 1))
    for source, target in gold.sure:
        weights[layer][head, target + shift] = (
            0.1 + 0.4 * np.eye(LENGTH + 1)[source]
        )  # too little for the mean of heads
    tokens = [*(f"▁{letter}" for letter in "abcde"), "</s>"]
    return SimpleNamespace(weights=weights, source_tokens=tokens, target_tokens=tokens)


@pytest.mark.parametrize("right", [("decoder_1", 2, 1), ("decoder_0", 0, 0)])
def test_the_one_that_agrees_is_first(right):
    found = choose_look([attention(gold, seed, right) for seed, gold in enumerate(GOLD)], GOLD)
    best, second = list(found)[:2]
    assert best == Look(*right)
    assert found[best] == 0 < found[second]
    assert len(found) == 2 * (3 + 1) * 2  # layers, heads and their mean, shifts
    assert list(found.values()) == sorted(found.values())


def test_a_layer_of_one_head_has_no_mean():
    one = attention(GOLD[0], 0, ("recurrent", 0, 0))
    one.weights = {"recurrent": one.weights["recurrent"]}
    assert set(choose_look([one], GOLD[:1])) == {Look("recurrent", 0, 0), Look("recurrent", 0, 1)}


def test_the_mean_of_heads_is_read_when_no_head_is_named():
    one = attention(GOLD[0], 0)
    heads = one.weights["decoder_0"]
    alone = SimpleNamespace(
        weights={"mean": heads.mean(axis=0, keepdims=True)},
        source_tokens=one.source_tokens,
        target_tokens=one.target_tokens,
    )
    assert Look("decoder_0")(one) == Look("mean", 0)(alone) != Look("decoder_0", 0)(one)


def test_what_is_not_there_is_named():
    one = attention(GOLD[0], 0)
    with pytest.raises(UserError, match="layer: expected one of 'decoder_0', 'decoder_1', got 'decoder_9'"):
        Look("decoder_9")(one)
    with pytest.raises(UserError, match="head: expected None or 0 to 2, got 3"):
        Look("decoder_1", 3)(one)
    with pytest.raises(UserError, match="shift"):
        Look("decoder_1", 3, -1)
    with pytest.raises(UserError, match="gold: expected some sure links"):
        choose_look([one], [parse_links("")])
    one.weights = {}
    with pytest.raises(UserError, match="attentions: expected weights"):
        choose_look([one], GOLD[:1])


def test_a_look_says_what_it_is():
    assert str(Look("decoder_2", None, 1)) == "decoder_2, mean of heads, shift 1"
    assert str(Look("decoder_2", 0)) == "decoder_2, head 0, shift 0"
