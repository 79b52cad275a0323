"""Pooling by learned queries beside a loop over its equations."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import LearnedQueryPooling

LENGTHS = np.array([5, 3, 0])  # the last one is empty
MASK = np.arange(5) < LENGTHS[:, None]
FEATURES, UNITS, HEADS, HEAD_DIM, ROWS = 7, 11, 2, 3, 4


def sets():
    return np.random.default_rng(0).normal(size=(3, 5, FEATURES))


def pma(dtype="float64"):
    layer = LearnedQueryPooling(ROWS, UNITS, HEADS, HEAD_DIM, dtype=dtype)
    layer.build((None, None, FEATURES))
    fill(layer.weights)
    return layer


def by_loops(layer, z):
    """PMA of one set (length, features): the summary (rows, units), and weights (heads, rows, length)."""

    def dense(part, x):
        return x @ numpy(part.kernel) + (0 if part.bias is None else numpy(part.bias))

    def norm(part, x):
        centered = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
        return centered / deviation * numpy(part.gamma) + numpy(part.beta)

    y = np.maximum(dense(layer.enter, z), 0)
    inner = layer.attention
    rows, looks = [], []
    for seed in numpy(layer.seeds):
        query, key, value = dense(inner.project_query, seed), dense(inner.project_key, y), dense(inner.project_value, y)
        heads, seen = [], []
        for head in range(HEADS):
            mine = slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)
            scores = np.array([query[mine] @ key_k[mine] / np.sqrt(HEAD_DIM) for key_k in key])
            weights = np.exp(scores) / np.exp(scores).sum()
            heads.append(sum(a * value_k[mine] for a, value_k in zip(weights, value, strict=True)))
            seen.append(weights)
        hidden = norm(layer.norms[0], seed + dense(inner.project_output, np.concatenate(heads)))
        rows.append(norm(layer.norms[1], hidden + np.maximum(dense(layer.feed_forward, hidden), 0)))
        looks.append(seen)
    return np.array(rows), np.array(looks).swapaxes(0, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
def test_it_is_the_loop_of_the_paper(dtype, tolerance):
    summary, weights = numpy(pma(dtype)(sets(), mask=MASK, return_attention_scores=True))
    for index, length in enumerate(LENGTHS[:2]):
        wanted, looks = by_loops(pma(), sets()[index, :length])
        same(summary[index], wanted, tolerance)
        same(weights[index][..., :length], looks, tolerance)
        assert (weights[index][..., length:] == 0).all()


def test_the_order_of_the_set_does_not_matter():
    layer, order = pma(), np.array([3, 0, 4, 1, 2])
    summary, weights = numpy(layer(sets(), mask=MASK, return_attention_scores=True))
    other, moved = numpy(layer(sets()[:, order], mask=MASK[:, order], return_attention_scores=True))
    same(other, summary, 1e-12)
    same(moved, weights[..., order], 1e-12)
    assert abs(moved - weights).max() > 0.01


def test_an_empty_set_gives_zeros_and_moves_no_seed():
    layer = pma("float16")
    with tf.GradientTape() as tape:
        summary, weights = layer(sets()[2:], mask=MASK[2:], return_attention_scores=True)
        total = tf.reduce_sum(tf.cast(summary, "float32") ** 2)
    assert (numpy(summary) == 0).all()
    assert (numpy(weights) == 0).all()
    assert (np.asarray(tape.gradient(total, layer.seeds.value)) == 0).all()


def test_a_width_of_heads_is_a_part_of_the_units():
    assert LearnedQueryPooling(1, 12, 3).head_dim == 4
    with pytest.raises(ValueError, match="heads: expected a divisor of units=11, or a head_dim, got 3"):
        LearnedQueryPooling(1, 11, 3)
    with pytest.raises(ValueError, match="rows: expected at least 1, got 0"):
        LearnedQueryPooling(0, 12, 3)


def test_a_wrong_rank_names_the_argument():
    with pytest.raises(ValueError, match=r"`inputs` must have shape \(batch, key_length, features\)"):
        pma()(np.zeros((2, 7)))
