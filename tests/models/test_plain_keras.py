"""`views.training` is an ordinary Keras model: compile and fit train it, with no code of ours."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_attn import training
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
from keras_attn.training import InverseSquareRoot, Perplexity, SmoothedCrossEntropy


@pytest.fixture(scope="module")
def copying():
    """Repeat a sentence of 1 to 4 tokens: batches of ({"source", "target"}, labels, weights)."""
    random = np.random.default_rng(0)
    tokens, lengths = random.integers(4, 11, (96, 4)), random.integers(1, 5, 96)
    place = np.arange(5)
    tokens = np.where(place[:4] < lengths[:, None], tokens, 0)
    labels = np.concatenate([tokens, np.zeros((96, 1), int)], 1)
    labels[np.arange(96), lengths] = 3
    target = np.concatenate([np.full((96, 1), 2), labels[:, :-1]], 1)
    target[target == 3] = 0
    weights = (place <= lengths[:, None]).astype("float32")
    inputs = {"source": tokens.astype("int32"), "target": target.astype("int32")}
    return tf.data.Dataset.from_tensor_slices((inputs, labels.astype("int32"), weights)).batch(16)


def views():
    keras.utils.set_random_seed(3)
    return seq2seq(RNNEncoder(units=11, embedding=7), RNNDecoder(units=13, embedding=7), 11, 11)


def test_plain_keras_trains_it_and_fit_does_the_same(copying):
    plain = views().training
    rate = InverseSquareRoot(0.02, 10)
    plain.compile(
        keras.optimizers.Adam(rate, beta_2=0.98, epsilon=1e-9, global_clipnorm=1.0),
        SmoothedCrossEntropy(0.1),
        weighted_metrics=[Perplexity()],
    )
    theirs = plain.fit(copying, epochs=4, verbose=0).history
    assert theirs["loss"][-1] < 0.8 * theirs["loss"][0]
    assert theirs["perplexity"][-1] < 0.7 * theirs["perplexity"][0]
    ours = training.fit(views(), copying, epochs=4, peak=0.02, warmup=10, verbose=0).history
    for name in ("loss", "perplexity"):
        # The first epoch is the same arithmetic; later ones drift by rounding at most.
        np.testing.assert_allclose(ours[name][0], theirs[name][0], rtol=1e-5)
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-2)
