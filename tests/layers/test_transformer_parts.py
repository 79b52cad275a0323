"""What blocks of a Transformer are made of, beside loops over the equations."""

from __future__ import annotations

import math

import numpy as np
import paper_transformer as paper
import pytest
from catalogue import fill, numpy, same

from keras_attn.errors import UserError
from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    EmptyCache,
    FeedForward,
    MaskedMean,
    MemoryHeads,
    MultiHeadAttention,
    Residual,
    ScoredReader,
)

TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]
precisely = pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
norms = pytest.mark.parametrize("norm", ["pre", "post"])
MASK = np.arange(5) < np.array([5, 3, 0])[:, None]  # the last one is empty


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def made(layer, *shapes):
    layer.build(*shapes)
    fill(layer.weights)
    return layer


# Feed-forward


@precisely
@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_a_feed_forward_network_is_its_equation(activation, dtype, tolerance):
    layer, x = made(FeedForward(11, activation, dtype=dtype), (None, None, 7)), numbers(2, 5, 7)
    found = numpy(layer(x))
    same(found, np.array([paper.feed_forward(layer, one) for one in x]), tolerance)
    assert found.dtype == dtype


def test_swiglu_has_three_matrices_and_no_biases():
    shapes = [[w.shape for w in made(FeedForward(11, kind), (None, None, 7)).weights] for kind in ("relu", "swiglu")]
    assert shapes == [[(7, 11), (11,), (11, 7), (7,)], [(7, 11), (7, 11), (11, 7)]]


def test_dropout_of_the_feed_forward_network_is_of_its_hidden_layer():
    layer = FeedForward(1009, dropout=0.75, seed=3)
    layer.build((None, None, 1009))
    layer.widen.kernel.assign(np.eye(1009))
    layer.narrow.kernel.assign(np.eye(1009))  # so that the hidden layer comes out
    x = 1 + numbers(1, 2, 1009).astype("float32") ** 2
    same(numpy(layer(x)), x, 1e-5)
    found = numpy(layer(x, training=True))
    kept = found != 0
    same(found[kept], 4 * x[kept], 1e-5)
    assert 0.2 < kept.mean() < 0.3


# Residual


@precisely
@norms
def test_a_residual_connection_is_its_equation(norm, dtype, tolerance):
    layer, x, matrix = made(Residual(norm, dtype=dtype), (None, None, 7)), numbers(2, 5, 7), numbers(7, 7, seed=1)
    x, matrix = x.astype(dtype), matrix.astype(dtype)
    found = numpy(layer(x, numpy(layer.enter(x)) @ matrix))
    same(found, np.array([paper.around(layer, one, lambda y: y @ matrix) for one in x]), tolerance)


@norms
def test_dropout_of_a_residual_connection_is_of_what_is_added(norm):
    layer = Residual(norm, dropout=0.75, seed=3)
    layer.build((None, None, 1009))
    x, y = (numbers(1, 2, 1009, seed=seed).astype("float32") for seed in (0, 1))
    nothing = np.zeros_like(y)
    same(numpy(layer(x, nothing, training=True)), numpy(layer(x, nothing)))  # x itself is never dropped
    total = numpy(layer(x, y, training=True))
    if norm == "pre":
        kept = total != x
        same(total[kept], (x + 4 * y)[kept], 1e-5)
    else:  # a row of zeros and fours, normalized, has two values
        total = numpy(layer(nothing, np.ones_like(y), training=True))
        kept = total > 0
        assert all(
            np.ptp(total[place & (np.arange(2) == row)[:, None]]) < 1e-5 for place in (kept, ~kept) for row in (0, 1)
        )
    assert 0.2 < kept.mean() < 0.3


# Keys and values of all layers


@precisely
@pytest.mark.parametrize("use_bias", [True, False])
def test_keys_and_values_of_all_layers_are_those_of_a_layer_each(use_bias, dtype, tolerance):
    layer, x = made(MemoryHeads(3, 2, 4, 5, use_bias, dtype=dtype), (None, None, 7)), numbers(2, 5, 7).astype(dtype)
    found = numpy(layer(x))
    assert len(found) == 3
    for index, memory in enumerate(found):
        one = MultiHeadAttention(2, 4, 5, use_bias=use_bias, dtype=dtype)
        one.build_memory((None, None, 7))
        keys, values = slice(index * 8, (index + 1) * 8), slice(index * 10, (index + 1) * 10)
        one.project_key.set_weights([numpy(layer.key_kernel)[:, keys]])
        bias = [numpy(layer.value_bias)[values]] if use_bias else []
        one.project_value.set_weights([numpy(layer.value_kernel)[:, values], *bias])
        same(memory, numpy(one.project_memory(x)), tolerance)
    assert len(layer.weights) == 2 + use_bias


def test_the_matrix_of_each_layer_is_drawn_with_glorots_limits():
    layer = MemoryHeads(layers=5, heads=4, head_dim=16, value_dim=8)
    layer.build((None, None, 96))
    for kernel, width in ((layer.key_kernel, 64), (layer.value_kernel, 32)):
        limit = math.sqrt(6 / (96 + width))
        for own in np.split(numpy(kernel), 5, axis=1):
            assert own.shape == (96, width)
            assert 0.99 * limit < abs(own).max() <= limit
            assert abs(own.std() - limit / math.sqrt(3)) < 0.02 * limit
    assert not numpy(layer.value_bias).any()


# One scored head


@precisely
def test_a_scored_reader_is_its_attention_and_a_matrix(dtype, tolerance):
    attention = Attention(AdditiveScoring(11, dtype=dtype), dtype=dtype)
    layer = ScoredReader(attention, dtype=dtype)
    query, value = numbers(2, 3, 7), numbers(2, 5, 13, seed=1)
    attention.project_key.build((None, None, 13))
    layer.build_projected((None, None, 7), {"key": (None, None, 11), "value": (None, None, 13)})
    fill(layer.weights)
    key = numpy(attention.project_key(value))
    found, weights = numpy(layer.read(query.astype(dtype), {"key": key, "value": value.astype(dtype)}, MASK[:2, None]))
    asks, tells = (paper.wide(one.kernel) for one in (attention.scoring.project_query, attention.project_key))
    assert weights.shape == (2, 1, 3, 5)
    for b, q in np.ndindex(2, 3):
        sees = np.flatnonzero(MASK[b])
        scores = [np.tanh(query[b, q] @ asks + value[b, k] @ tells) @ paper.wide(attention.scoring.v) for k in sees]
        shares = np.exp(scores) / np.exp(scores).sum()
        same(weights[b, 0, q, sees], shares, tolerance)
        context = sum(share * value[b, k] for share, k in zip(shares, sees, strict=True))
        same(found[b, q], paper.affine(layer.project_output, context), tolerance)
    assert (weights[1, ..., 3:] == 0).all()


# A cache of nothing, a mean of what is there


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_an_empty_cache_has_a_place_for_each_layer_and_for_no_token(policy):
    layer = EmptyCache(3, 2, 4, 5, dtype=policy)
    found = layer(np.zeros((7, 11), "int32"))
    leaf = {"key": (7, 2, 0, 4), "value": (7, 2, 0, 5)}
    assert [{name: tuple(one.shape) for name, one in cache.items()} for cache in found] == [leaf] * 3
    assert {one.dtype.name for cache in found for one in cache.values()} == {policy.removeprefix("mixed_")}


@precisely
def test_a_masked_mean_is_that_of_what_is_there(dtype, tolerance):
    x = numbers(3, 5, 7)
    wanted = [sum(one[:count]) / count if count else np.zeros(7) for one, count in zip(x, (5, 3, 0), strict=True)]
    same(numpy(MaskedMean(dtype=dtype)(x.astype(dtype), mask=MASK)), np.array(wanted), tolerance)
    same(numpy(MaskedMean(dtype=dtype)(x.astype(dtype))), x.sum(1) / 5, tolerance)


# What cannot be


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeedForward(0), "hidden: expected at least 1, got 0"),
        (lambda: FeedForward(3, "swish"), "activation: expected one of 'relu', 'gelu', 'swiglu', got 'swish'"),
        (lambda: Residual("middle"), "norm: expected one of 'pre', 'post', got 'middle'"),
        (lambda: MemoryHeads(0, 2, 3), "layers: expected at least 1, got 0"),
        (lambda: MemoryHeads(1, 2, 3, value_dim=0), "value_dim: expected at least 1, got 0"),
        (lambda: EmptyCache(1, 0, 3), "heads: expected at least 1, got 0"),
    ],
)
def test_a_part_says_what_cannot_be(make, message):
    with pytest.raises(UserError, match=message):
        make()
