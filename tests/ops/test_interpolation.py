"""Bilinear interpolation beside that of TensorFlow and of Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_attn.ops import bilinear

SIZES = pytest.mark.parametrize("size", [(5, 3), (11, 13), (22, 40), (1, 1), (12, 7)])


def images(dtype="float32"):
    return np.random.default_rng(0).normal(size=(2, 11, 13, 3)).astype(dtype)


@SIZES
def test_it_is_that_of_tensorflow_and_keras(size):
    x = images()
    found = bilinear(x, *size)
    np.testing.assert_allclose(found, tf.image.resize(x, size), atol=1e-5)
    np.testing.assert_allclose(found, keras.ops.image.resize(x, size, interpolation="bilinear"), atol=1e-5)


def test_the_same_size_changes_nothing():
    np.testing.assert_array_equal(bilinear(images(), 11, 13), images())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_dtype_stays_and_a_constant_image_is_constant(dtype):
    found = bilinear(tf.ones((1, 3, 5, 2), dtype), 7, 11)
    assert found.dtype == dtype
    np.testing.assert_allclose(tf.cast(found, "float64"), 1, rtol=0.01 if "16" in dtype else 1e-6)


def test_in_double_precision_it_is_exact():
    ramp = np.arange(11.0).reshape(1, 11, 1, 1)
    inner = np.asarray(bilinear(ramp, 33, 1)).ravel()[1:-1]
    np.testing.assert_allclose(inner, np.arange(31) / 3, rtol=0, atol=1e-14)


def test_sizes_may_be_unknown_and_gradients_flow_compiled():
    x = tf.constant(images())

    @tf.function(input_signature=[tf.TensorSpec([None] * 4), tf.TensorSpec([], "int32")])
    def open_graph(x, side):
        return bilinear(x, side, side)

    np.testing.assert_array_equal(open_graph(x, 7), bilinear(x, 7, 7))

    @tf.function(jit_compile=True)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(bilinear(x, 22, 26))
        return tape.gradient(total, x)

    np.testing.assert_allclose(tf.reduce_sum(gradient(x), (1, 2)), np.full((2, 3), 22 * 26), rtol=1e-5)
