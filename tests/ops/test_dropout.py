"""Dropout from a hash: rate, independence of places, calls and seeds, and what is kept of each number."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import numpy

from keras_attn.layers import Dropout
from keras_attn.ops import dropout

SHAPE = (16, 31, 64)
CALLS = 60


def kept(rate, seed=1, calls=CALLS, shape=SHAPE):
    """Where each of some calls kept the number, (calls, numbers)."""
    generator = keras.random.SeedGenerator(seed)
    ones = np.ones(shape, "float32")
    return np.stack([numpy(dropout(ones, rate, generator.next())) > 0 for _ in range(calls)]).reshape(calls, -1)


def standard(rate, **more):
    return (kept(rate, **more) - (1 - rate)) / np.sqrt(rate * (1 - rate))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_the_rate_is_what_was_asked(rate):
    z = standard(rate)
    assert abs(z.mean()) * np.sqrt(z.size) < 4
    assert 0.7 < (z.mean(1) * np.sqrt(z.shape[1])).std() < 1.4  # of each call
    assert 0.9 < (z.mean(0) * np.sqrt(CALLS)).std() < 1.1  # of each place


@pytest.mark.parametrize("apart", [1, 2, 3, 16, 64, 64 * 31])
def test_places_are_independent(apart):
    z = standard(0.3)
    assert abs((z[:, apart:] * z[:, :-apart]).mean()) * np.sqrt(z[:, apart:].size) < 4


def test_calls_are_independent():
    z = standard(0.3)
    correlation = np.corrcoef(z)[np.triu_indices(CALLS, 1)] * np.sqrt(z.shape[1])
    assert abs(correlation).max() < 5
    assert 0.9 < correlation.std() < 1.1


def test_seeds_are_independent():
    z = np.concatenate([standard(0.3, seed=seed, calls=1) for seed in range(CALLS)])
    correlation = np.corrcoef(z)[np.triu_indices(CALLS, 1)] * np.sqrt(z.shape[1])
    assert abs(correlation).max() < 5


def test_what_is_kept_is_scaled_and_the_rest_is_zero():
    x = np.random.default_rng(1).normal(size=(3, 5, 7)).astype("float32")
    found = numpy(dropout(x, 0.4, keras.random.SeedGenerator(1).next()))
    keep = found != 0
    assert 0 < keep.sum() < keep.size
    np.testing.assert_allclose(found[keep], x[keep] / 0.6, rtol=1e-6)


def test_the_layer_acts_in_training_only_and_repeats_with_its_seed():
    x = np.ones((2, 3, 5), "float32")
    one, other = Dropout(0.5, seed=7), Dropout(0.5, seed=7)
    np.testing.assert_array_equal(numpy(one(x)), x)
    first, second = numpy(one(x, training=True)), numpy(one(x, training=True))
    assert (first != second).any()
    np.testing.assert_array_equal(numpy(other(x, training=True)), first)
    np.testing.assert_array_equal(numpy(other(x, training=True)), second)


def test_the_layer_is_that_of_keras_where_a_shape_of_noise_is_given():
    x = np.ones((4, 6, 5), "float32")
    whole = numpy(Dropout(0.5, noise_shape=(None, None, 1), seed=1)(x, training=True))
    assert (whole == whole[..., :1]).all()
