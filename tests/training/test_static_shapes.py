"""A recurrent model compiled by XLA learns what it learns without, with one trace for each shape."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from catalogue import fill, numpy

from keras_attn import training
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
from keras_attn.training import SmoothedCrossEntropy
from keras_attn.training.callbacks import StaticShapes

SHAPES = [(3, 5, 4), (2, 7, 6), (3, 5, 4), (2, 7, 6)]


def batches():
    random = np.random.default_rng(1)
    for rows, source, target in SHAPES:
        ids = random.integers(4, 11, (rows, source)).astype("int32"), random.integers(4, 13, (rows, target))
        yield {"source": ids[0], "target": ids[1].astype("int32")}, ids[1], np.ones((rows, target), "float32")


def dataset():
    unknown = tf.TensorSpec((None, None), tf.int32)
    specs = {"source": unknown, "target": unknown}, tf.TensorSpec((None, None), tf.int64), tf.TensorSpec((None, None))
    made = tf.data.Dataset.from_generator(batches, output_signature=specs)
    return made.apply(tf.data.experimental.assert_cardinality(len(SHAPES)))


def learned(jit, callbacks):
    sizes = {"dropout": 0.0, "embedding": 5}
    views = seq2seq(RNNEncoder(units=7, **sizes), RNNDecoder(units=7, **sizes), 11, 13)
    fill(views.training.weights)
    traces = []
    views.training.compile(keras.optimizers.Adam(0.01), SmoothedCrossEntropy(0.1), jit_compile=jit)
    step = views.training.train_step

    def counted(data):
        traces.append(data[0]["source"].shape)
        return step(data)

    views.training.train_step = counted
    history = views.training.fit(dataset(), epochs=2, verbose=0, callbacks=callbacks)
    return numpy(views.training.weights), history.history["loss"], traces


def test_it_learns_the_same_and_is_traced_once_for_each_shape():
    plain, plain_loss, _ = learned(False, [])
    compiled, loss, traces = learned(True, [StaticShapes()])
    np.testing.assert_allclose(loss, plain_loss, rtol=1e-5)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    shapes = [tuple(shape) for shape in traces]
    assert shapes in ([(3, 5), (2, 7)], [(3, 5), (3, 5), (2, 7)])  # tf.function may look at its first trace twice


def test_fit_takes_it_for_recurrent_models():
    losses = []
    for jit in (False, True):
        keras.utils.set_random_seed(1)
        views = seq2seq(RNNEncoder(units=7, dropout=0.0), RNNDecoder(units=7, dropout=0.0), 11, 13)
        history = training.fit(
            views, dataset(), validation=dataset(), epochs=2, peak=0.01, warmup=1, jit=jit, verbose=0
        )
        losses.append([*history.history["loss"], *history.history["val_loss"]])
    np.testing.assert_allclose(*losses, rtol=1e-4)
