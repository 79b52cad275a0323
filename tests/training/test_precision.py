"""Training in half precision: numbers stay numbers, weights stay float32, and nothing outside changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_attn import training
from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
from keras_attn.training.precision import precision


def ids(random, shape):
    return random.integers(4, 11, shape).astype("int32")


def fit(name, toy_data):
    keras.utils.set_random_seed(0)
    with precision(name):
        views = seq2seq(
            RNNEncoder(units=8, embedding=8),
            RNNDecoder(units=8, embedding=8, deep_output=True),
            source_vocabulary=11,
            target_vocabulary=11,
        )
    history = training.fit(views, toy_data, epochs=3, verbose=0, peak=0.02, warmup=1, schedule="plateau").history
    return views.training, history


@pytest.fixture(scope="module")
def data():
    import tensorflow as tf

    source = ids(np.random.default_rng(0), (32, 5))
    target = np.concatenate([np.full((32, 1), 2, "int32"), source[:, :-1]], axis=1)
    weights = np.ones((32, 5), "float32")
    weights[3:9, 2:] = 0
    return tf.data.Dataset.from_tensor_slices(({"source": source, "target": target}, source, weights)).batch(8)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_half_precision_learns_as_float32_does(name, data):
    model, history = fit(name, data)
    _, exact = fit("float32", data)
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {name}
    assert {str(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    np.testing.assert_allclose(history["loss"], exact["loss"], rtol=0.02)
    assert (type(model.optimizer).__name__ == "LossScaleOptimizer") == (name == "float16")


def test_it_is_put_back_whatever_happens():
    def fail():
        with precision("float16"):
            assert keras.layers.Dense(1).compute_dtype == "float16"
            raise KeyError

    before = keras.config.dtype_policy()
    with pytest.raises(KeyError):
        fail()
    assert keras.config.dtype_policy() == before


def test_an_unknown_precision_names_those_there_are():
    with pytest.raises(UserError, match="precision: expected one of 'float32', 'bfloat16', 'float16', got 'int8'"):
        precision("int8").__enter__()
