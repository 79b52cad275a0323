"""Sliding-window attention is multi-head attention under the mask of the band, without the matrix of all scores."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import (
    ALiBi,
    MultiHeadAttention,
    RelativePositions,
    RotaryPositions,
    SlidingWindowAttention,
    T5Bias,
)
from keras_attn.layers.sliding_window import BLOCK

POSITIONS = {
    "none": lambda: None,
    "rotary": RotaryPositions,
    "relative": lambda: RelativePositions(3),
    "t5-bias": lambda: T5Bias(8, 11),
    "alibi": ALiBi,
}
# Shorter than a block, several blocks, a whole number of them, and neighborhoods of several blocks.
SIZES = [(0, 5), (3, 67), (2, 2 * BLOCK), (BLOCK + 7, 97), (101, 37), (1, 1)]
sizes = pytest.mark.parametrize(("window", "length"), SIZES)


def pair(window, width=13, position=lambda: None, **options):
    """The layer, and multi-head attention with the same weights."""
    options = {"value_dim": 5, **options}
    ours = SlidingWindowAttention(6, 4, window, position=position(), **options)
    other = MultiHeadAttention(6, 4, position=position(), **options)
    for layer in (ours, other):
        layer.build((None, None, width), (None, None, width))
        fill(layer.weights)
    return ours, other


def tokens(length, seed=0):
    return np.random.default_rng(seed).normal(size=(2, length, 13)).astype("float32")


def band(window, queries, keys):
    apart = np.arange(keys) - np.arange(queries)[:, None]
    return np.repeat((abs(apart) <= window)[None], 2, 0)


def in_band(weights, window, causal):
    """Place j of query i is key i - window + j: (..., length, length) -> (..., length, places)."""
    places = window + 1 if causal else 2 * window + 1
    found = np.zeros((*weights.shape[:3], places), weights.dtype)
    for i, j in np.ndindex(found.shape[2:]):
        if 0 <= i - window + j < weights.shape[3]:
            found[:, :, i, j] = weights[:, :, i, i - window + j]
    return found


def agree(ours, other, query, value, window, causal=False, tolerance=5e-6, **masks):
    options = {"use_causal_mask": causal, "return_attention_scores": True, **masks}
    found = numpy(ours(query, value, **options))
    near = band(window, query.shape[1], value.shape[1])
    output, weights = numpy(other(query, value, attention_mask=near, **options))
    same(found, (output, in_band(weights, window, causal)), tolerance)


@pytest.mark.parametrize("causal", [False, True])
@sizes
def test_it_is_multi_head_attention_to_what_is_near(window, length, causal):
    ours, other = pair(window)
    x, padding = tokens(length), np.arange(length) < np.array([length, length - length // 3])[:, None]
    agree(ours, other, x, x, window, causal)
    agree(ours, other, x, x, window, causal, query_mask=padding, value_mask=padding)
    agree(ours, other, x, x, window, causal, key_mask=~padding)  # some see nothing at all


def test_it_agrees_in_float64():
    ours, other = pair(3, dtype="float64")
    x = tokens(67).astype("float64")
    agree(ours, other, x, x, 3, tolerance=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", POSITIONS)
def test_positions_work_in_it(kind, causal):
    ours, other = pair(9, position=POSITIONS[kind])
    agree(ours, other, tokens(67), tokens(67), 9, causal)


@pytest.mark.parametrize(("queries", "keys"), [(67, 41), (41, 67), (97, 5)])
def test_another_sequence_in_step(queries, keys):
    ours, other = pair(7)
    agree(ours, other, tokens(queries), tokens(keys, seed=1), 7)


def test_padding_changes_nothing():
    ours, _ = pair(5)
    x = np.concatenate([tokens(41), np.full((2, 50, 13), 9.0, "float32")], 1)
    mask = np.repeat((np.arange(91) < 41)[None], 2, 0)
    found = numpy(ours(x, x, query_mask=mask, value_mask=mask))
    same(found[:, :41], numpy(ours(x[:, :41], x[:, :41])), 2e-6)
    assert (found[:, 41:] == 0).all()


def test_nobody_sees_farther_than_the_window():
    ours, _ = pair(4)
    x = tokens(71)
    other = x.copy()
    other[:, 50] += 1
    moved = abs(numpy(ours(x, x)) - numpy(ours(other, other))).max((0, 2))
    assert set(np.flatnonzero(moved > 1e-4)) == set(range(46, 55))
    assert (moved[[*range(46), *range(55, 71)]] == 0).all()


def test_one_graph_for_every_length():
    ours, _ = pair(5)
    function = tf.function(lambda x: ours(x, x), input_signature=[tf.TensorSpec((None, None, 13))])
    for length in (1, BLOCK - 1, BLOCK, 3 * BLOCK + 1):
        same(numpy(function(tokens(length))), numpy(ours(tokens(length), tokens(length))), 2e-6)


def test_no_tensor_grows_with_the_square_of_the_length():
    ours, _ = pair(8)
    sizes = [_largest(ours, length) for length in (256, 512, 1024)]
    assert sizes[2] < 1024**2
    assert sizes[1] <= 2.2 * sizes[0]
    assert sizes[2] <= 2.2 * sizes[1]


def _largest(layer, length):
    """Elements of the largest tensor, forward and backward."""

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(x, x))
        return tape.gradient(total, layer.trainable_variables)

    graph = step.get_concrete_function(tf.TensorSpec((1, length, 13))).graph
    shapes = [output.shape for op in graph.get_operations() for output in op.outputs]
    return max(shape.num_elements() for shape in shapes if shape.is_fully_defined())


def test_a_negative_window():
    with pytest.raises(ValueError, match="window: expected at least 0, got -1"):
        SlidingWindowAttention(2, 3, -1)


def test_ranks_are_checked():
    with pytest.raises(ValueError, match=r"`query` must have shape \(batch, query_length, query_features\)"):
        pair(2)[0](np.zeros((2, 13)), np.zeros((2, 3, 13)))
