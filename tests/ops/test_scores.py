"""Scores against loops over their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same

from keras_attn.ops import scores

# tests/ops/test_ops.py holds `additive`.
EQUATIONS = {
    "dot": lambda q, k: sum(a * b for a, b in zip(q, k, strict=True)),
    "scaled_dot": lambda q, k: sum(a * b for a, b in zip(q, k, strict=True)) / math.sqrt(len(q)),
    "tanh_sum": lambda q, k: sum(math.tanh(a + b) for a, b in zip(q, k, strict=True)),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("name", EQUATIONS)
def test_each_pair_is_scored_by_the_equation(name, dtype, tolerance):
    random = np.random.default_rng(0)
    query, key = random.normal(size=(2, 3, 7)).astype(dtype), random.normal(size=(2, 5, 7)).astype(dtype)
    wanted = np.zeros((2, 3, 5), dtype)
    for b, q, k in np.ndindex(2, 3, 5):
        wanted[b, q, k] = EQUATIONS[name](query[b, q], key[b, k])
    found = numpy(getattr(scores, name)(query, key))
    assert found.dtype == dtype
    same(found, wanted, tolerance)


def test_golden():
    query, key = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]])
    assert numpy(scores.dot(query, key)).tolist() == [[[30, 70]]]
    assert numpy(scores.scaled_dot(query, key)).tolist() == [[[15, 35]]]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 1e-4, 1e4])
def test_a_unit_vector_has_length_one_in_every_float_type(dtype, size):
    vector = tf.cast(size * tf.constant([[3.0, -4.0], [0.0, 1.0]]), dtype)
    same(numpy(scores.unit(vector)).astype("float64"), np.array([[0.6, -0.8], [0.0, 1.0]]), 5e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_zero_vector_has_no_direction_and_no_gradient(dtype):
    vector = tf.zeros((1, 3), dtype)
    with tf.GradientTape() as tape:
        tape.watch(vector)
        total = tf.reduce_sum(scores.unit(vector))
    assert numpy(scores.unit(vector)).tolist() == [[0, 0, 0]]
    assert numpy(tape.gradient(total, vector)).tolist() == [[0, 0, 0]]


def test_the_gradient_of_a_unit_vector_is_what_is_left_across_it():
    """d (x / |x|) = (1 - u u^T) / |x|: along the vector nothing changes."""
    vector = tf.constant([3.0, 4.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(vector)
        unit = scores.unit(vector)
    u = np.array([0.6, 0.8])
    same(numpy(tape.jacobian(unit, vector)), (np.eye(2) - np.outer(u, u)) / 5, 1e-12)
