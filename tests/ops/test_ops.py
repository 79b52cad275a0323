"""Masks, scores and weights against NumPy, and at the edges of the float types."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same

from keras_attn.ops import additive, both, causal, read, softmax
from keras_attn.ops.reshaping import reshaped


def test_causal_is_a_rule_on_positions():
    query, key = np.array([4, 5, 6]), np.arange(11)
    assert (numpy(causal(query, key)) == (key[None] <= query[:, None])).all()


def test_both_is_the_conjunction_of_what_is_given():
    rows, columns = np.array([[True], [False], [True]]), np.array([[True, False, True, True, False]])
    assert both() is None
    assert both(None, None) is None
    assert (numpy(both(None, rows)) == rows).all()
    assert (numpy(both(rows, None, columns)) == rows & columns).all()
    assert (numpy(both(rows.astype("float32"), columns)) == rows & columns).all()  # RNN makes masks floats


def test_additive_scores_are_a_loop():
    random = np.random.default_rng(0)
    query, key, v = random.normal(size=(2, 3, 7)), random.normal(size=(2, 5, 7)), random.normal(size=7)
    wanted = np.zeros((2, 3, 5))
    for b, q, k in np.ndindex(2, 3, 5):
        wanted[b, q, k] = v @ np.tanh(query[b, q] + key[b, k])
    same(numpy(additive(query, key, v)), wanted, 1e-12)


def test_reading_is_a_weighted_sum():
    random = np.random.default_rng(0)
    weights, value = random.normal(size=(2, 3, 5)), random.normal(size=(2, 5, 7))
    wanted = np.zeros((2, 3, 7))
    for b, q, k in np.ndindex(2, 3, 5):
        wanted[b, q] += weights[b, q, k] * value[b, k]
    same(numpy(read(weights, value)), wanted, 1e-12)


def test_weights_over_what_may_be_seen_are_those_of_the_rest_left_out():
    random = np.random.default_rng(0)
    scores = random.normal(size=(2, 3, 5)).astype("float32")
    mask = np.arange(5) < np.array([5, 3])[:, None, None]
    ours = numpy(softmax(scores, mask))
    same(ours[0], numpy(softmax(scores[:1]))[0], 1e-6)
    same(ours[1, :, :3], numpy(softmax(scores[1:, :, :3]))[0], 1e-6)
    assert (ours[1, :, 3:] == 0).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_largest_scores_do_not_overflow(dtype):
    top = float(tf.as_dtype(dtype).max) if dtype == "float16" else 1e29
    scores = tf.constant([[top, top, 0.0, top], [-top, -top, -top, top], [top, -top, 0.0, 0.0]], dtype)
    mask = tf.constant([[True, True, True, False], [True, True, False, False], [False] * 4])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = softmax(scores, mask)
        total = tf.reduce_sum(weights * tf.constant([1.0, 2.0, 3.0, 4.0], weights.dtype))
    assert weights.dtype == scores.dtype
    same(numpy(weights).astype("float64"), np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0]]))
    gradient = numpy(tape.gradient(total, scores))
    assert np.isfinite(gradient).all()
    assert (gradient[~mask.numpy()] == 0).all()
    assert (gradient[:2, :2] != 0).all()


@pytest.mark.parametrize(("dtype", "unit"), [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_sixteen_bits_are_rounded_once_at_the_end(dtype, unit):
    """Exponentials and their sum are float32: only the result is rounded, by half a unit in the last place."""
    scores = tf.cast(np.random.default_rng(0).normal(size=(1, 300)), dtype)
    exact = np.exp(tf.cast(scores, tf.float64).numpy())
    exact /= exact.sum()
    for mask in (tf.ones((1, 300), tf.bool), None):
        weights = softmax(scores, mask)
        assert weights.dtype == scores.dtype
        assert (abs(tf.cast(weights, tf.float64).numpy() / exact - 1)).max() < 1.05 * unit


def test_a_masked_score_that_is_no_number_does_no_harm():
    weights = numpy(softmax(np.array([[0.0, np.nan, np.inf]], "float32"), np.array([[True, False, False]])))
    assert weights.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("sizes", [lambda x: (x, 3, 2), lambda x: (x // 2, x, 3), lambda x: (6, 4)])
def test_reshaped_to_sizes_known_early_and_late(sizes):
    late = tf.function(lambda x: reshaped(x, sizes(tf.shape(x)[0])), input_signature=[tf.TensorSpec((None, 6))])
    for rows in (0, 4):
        if sizes(rows) != (6, 4) or rows:
            x = np.arange(6.0 * rows, dtype="float32").reshape(rows, 6)
            same(numpy(late(x)), x.reshape(sizes(rows)))
