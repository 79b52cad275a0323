"""Windows over keys against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same

from keras_attn.ops import digits, gaussian, within

CENTERS = np.array([[0.0, 1.5, 4.25], [-2.0, 3.0, 9.0]])


@pytest.mark.parametrize("width", [1, 2, 3])
def test_keys_in_the_window_are_those_at_most_d_away(width):
    found = numpy(within(CENTERS, width, 5))
    for b, q, k in np.ndindex(2, 3, 5):
        assert found[b, q, k] == (CENTERS[b, q] - width <= k <= CENTERS[b, q] + width)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("width", [1, 3])
def test_the_gaussian_is_that_of_eq_10(width, dtype, tolerance):
    found = numpy(gaussian(CENTERS.astype(dtype), width, 5))
    assert found.dtype == dtype
    for b, q, k in np.ndindex(2, 3, 5):
        wanted = math.exp(-((k - CENTERS[b, q]) ** 2) / (2 * (width / 2) ** 2))
        same(found[b, q, k], np.array(wanted, dtype), tolerance)


def test_golden():
    """One at the center, exp(-1/2) at half the width (sigma = D / 2), exp(-2) at the rim."""
    same(numpy(gaussian(np.array([[4.0]]), 4, 9))[0, 0, [4, 6, 8]], np.exp([0, -0.5, -2]), 1e-14)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_far_from_the_start_a_window_is_as_exact(dtype):
    center = tf.cast([[2049, 4099]], dtype)
    assert [np.flatnonzero(row).tolist() for row in numpy(within(center, 1, 5000))[0]] == [
        [2048, 2049, 2050],
        [4098, 4099, 4100],
    ]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_whole_numbers_pass_through_every_float_type(dtype):
    numbers = np.array([[0, 1, 127, 128, 129], [255, 256, 257, 2049, 32767]], "int32")
    parts = digits.apart(numbers, dtype)
    assert parts.dtype == dtype
    assert (numpy(digits.joined(parts)) == numbers).all()
