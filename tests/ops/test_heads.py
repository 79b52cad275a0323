"""Scores, weights and reading with many heads beside loops."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same

from keras_attn.ops import heads, softmax

groups = pytest.mark.parametrize("group", [1, 2, 6])


@groups
def test_scores_are_dot_products_with_the_key_of_the_group(group):
    random = np.random.default_rng(0)
    query, key = random.normal(size=(2, 6, 3, 7)), random.normal(size=(2, 6 // group, 5, 7))
    wanted = np.zeros((2, 6, 3, 5))
    for b, h, q, k in np.ndindex(wanted.shape):
        wanted[b, h, q, k] = query[b, h, q] @ key[b, h // group, k]
    same(numpy(heads.scores(query, key, group)), wanted, 1e-12)


@groups
def test_reading_is_a_weighted_sum_of_the_values_of_the_group(group):
    random = np.random.default_rng(0)
    weights, value = random.normal(size=(2, 6, 3, 5)), random.normal(size=(2, 6 // group, 5, 7))
    wanted = np.zeros((2, 6, 3, 7))
    for b, h, q, k in np.ndindex(weights.shape):
        wanted[b, h, q] += weights[b, h, q, k] * value[b, h // group, k]
    same(numpy(heads.read(weights, value, group)), wanted, 1e-12)


def test_the_fast_softmax_is_the_safe_one_wherever_something_is_seen():
    scores = 20 * np.random.default_rng(0).normal(size=(2, 7, 3, 5))
    mask = np.random.default_rng(1).random((2, 3, 5)) < 0.5
    mask[1, 2] = False
    for dtype, tolerance in (("float32", 1e-6), ("float64", 1e-12)):
        fast, safe = (numpy(one) for one in _both(scores.astype(dtype), mask))
        sees = np.broadcast_to(mask.any(-1)[:, None], fast.shape[:3])
        same(fast[sees], safe[sees], tolerance)
        assert (fast[np.broadcast_to(~mask[:, None], fast.shape) & sees[..., None]] == 0).all()
        assert np.isfinite(fast).all()


def _both(scores, mask):
    return heads.softmax(scores, mask), softmax(scores, mask[:, None])


def test_hidden_scores_get_no_gradient():
    scores, mask = tf.constant(np.random.default_rng(0).normal(size=(1, 2, 3, 5))), np.tri(3, 5, dtype=bool)[None]
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total = tf.reduce_sum(heads.softmax(scores, mask) ** 2)
    gradient = numpy(tape.gradient(total, scores))
    assert (gradient[:, :, ~mask[0]] == 0).all()
    assert (gradient[:, :, 1:][:, :, mask[0, 1:]] != 0).all()


def test_one_key_gets_everything_without_a_warning(recwarn):
    assert (numpy(heads.softmax(np.ones((2, 7, 3, 1), "float32"))) == 1).all()
    assert not [warning for warning in recwarn if "softmax" in str(warning.message)]
