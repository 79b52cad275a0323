"""The rate over the course of training, and what the optimizer does with a weight."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training.optimizers import learning_rate, make_optimizer


def test_noam_is_equation_3():
    width, warmup = 7, 5
    rate = training.noam(width, warmup, factor=2.0)
    for step in (1, 3, 5, 6, 50):
        wanted = 2.0 * width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert float(rate(step - 1)) == pytest.approx(wanted, rel=1e-6)


def test_cosine_rises_to_the_peak_and_falls_to_zero():
    rate = learning_rate("cosine", peak=0.5, warmup=4, total=24)
    came = [float(rate(step)) for step in range(25)]
    rising = [0.125 + 0.375 * step / 4 for step in range(4)]
    falling = [0.25 * (1 + np.cos(np.pi * step / 20)) for step in range(21)]
    np.testing.assert_allclose(came, rising + falling, rtol=1e-5, atol=1e-7)


def test_warm_up_takes_at_most_a_quarter_of_what_ends():
    rate = learning_rate("cosine", peak=0.5, warmup=1000, total=24)
    assert float(rate(6)) == pytest.approx(0.5)


def test_a_schedule_of_keras_comes_back_as_it_is():
    rate = training.noam(8, 10)
    assert learning_rate(rate, peak=9.0, warmup=9, total=None) is rate
    toy = toy_training.views()
    training.fit(toy, as_dataset(toy_training.corpus()), epochs=1, verbose=0, schedule=rate)
    assert float(toy.training.optimizer.learning_rate) == pytest.approx(float(rate(7)))


def model():
    """A layer of each kind of weight: a table, matrices, biases of one and of two dimensions, gains and offsets."""
    keras.utils.set_random_seed(1)
    ids = keras.Input((3,), dtype="int32")
    x = keras.layers.Embedding(5, 4)(ids)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.MultiHeadAttention(2, 2)(x, x)
    return keras.Model(ids, keras.layers.Dense(3)(keras.layers.GRU(4)(x)))


def test_adamw_decays_matrices_and_tables_alone_by_rate_times_decay():
    net = model()
    for weight in net.weights:
        weight.assign(np.full(weight.shape, 2.0, "float32"))
    optimizer = make_optimizer("adamw", 0.1, net.trainable_variables, clip_norm=1.0, weight_decay=0.25)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in net.trainable_variables], net.trainable_variables)
    left = {weight.path.split("/", 1)[-1]: set(np.unique(weight.numpy()).tolist()) for weight in net.weights}
    decayed = {weight.name for weight in net.weights if set(np.unique(weight.numpy())) != {2.0}}
    assert decayed == {"embeddings", "kernel", "recurrent_kernel"}
    assert {weight.name for weight in net.weights} - decayed == {"gamma", "beta", "bias"}
    assert [value for values in left.values() for value in values if value != 2.0] == pytest.approx(
        [2.0 - 0.1 * 0.25 * 2.0] * 8
    )


def test_adam_is_the_papers():
    settings = make_optimizer("adam", 0.1, [], clip_norm=3.0).get_config()
    assert (settings["beta_1"], settings["beta_2"], settings["epsilon"]) == (0.9, 0.98, 1e-9)
    assert (settings["global_clipnorm"], settings["use_ema"], settings["weight_decay"]) == (3.0, False, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "sgd"}, "optimizer: expected one of 'adam', 'adamw', got 'sgd'"),
        ({"name": "adam", "weight_decay": 0.1}, "weight_decay: expected 0 with Adam"),
        ({"name": "adamw", "weight_decay": -1.0}, "weight_decay: expected at least 0, got -1.0"),
    ],
)
def test_mistakes_name_the_argument(wrong, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(rate=0.1, variables=[], clip_norm=1.0, **wrong)
