"""The gated unit with fewer operations: what Keras' cell gives, and its gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.errors import UserError
from keras_attn.layers import GRUCell


def both(**more):
    ours, theirs = GRUCell(5, **more), keras.layers.GRUCell(5, reset_after=False, **more)
    for cell in (ours, theirs):
        cell.build((None, 3))
    fill(ours.weights)
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        other.assign(mine)
    return ours, theirs


@pytest.mark.parametrize("more", [{}, {"use_bias": False}, {"activation": "relu", "recurrent_activation": "relu"}])
def test_a_step_and_its_gradients_are_those_of_keras(more):
    numbers = np.random.default_rng(0).normal(size=(2, 4, 5)).astype("float32")
    inputs, state = tf.constant(numbers[0, :, :3]), tf.constant(numbers[1])
    found = []
    for cell in both(**more):
        weights = [weight.value for weight in cell.weights]
        with tf.GradientTape() as tape:
            tape.watch([inputs, state])
            output, (new,) = cell(inputs, [state])
            total = tf.reduce_sum(output**2) + tf.reduce_sum(tf.sin(new))
        found.append(numpy([output, new, *tape.gradient(total, [inputs, state, *weights])]))
    same(*found, 1e-5)


@pytest.mark.parametrize("more", [{"reset_after": True}, {"dropout": 0.1}, {"recurrent_dropout": 0.1}])
def test_what_it_cannot_do_is_refused(more):
    with pytest.raises(UserError, match=f"{next(iter(more))}: expected"):
        GRUCell(5, **more)


def test_a_state_alone_comes_back_alone():
    ours, _ = both()
    output, new = ours(np.ones((2, 3), "float32"), np.ones((2, 5), "float32"))
    same(numpy(new), numpy(output))


def test_a_file_keeps_it(tmp_path):
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.RNN(GRUCell(5))])
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[0].cell, GRUCell)
    same(numpy(loaded(x)), numpy(model(x)))
