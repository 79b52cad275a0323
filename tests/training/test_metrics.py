"""Perplexity and the count of tokens over an epoch of unequal batches."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_attn.training import Perplexity, SmoothedCrossEntropy, TokenCount


def batch(seed, sentences, length):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, (sentences, length)).astype("int32")
    logits = random.normal(scale=seed, size=(sentences, length, 7)).astype("float32")
    weights = (np.arange(length) < random.integers(1, length + 1, (sentences, 1))).astype("float32")
    return labels, logits, weights


def total(labels, logits, weights):
    log = logits.astype("float64") - np.log(np.exp(logits.astype("float64")).sum(-1, keepdims=True))
    return -(np.take_along_axis(log, labels[..., None], -1)[..., 0] * weights).sum()


def test_perplexity_is_weighted_by_tokens_across_batches():
    batches = [batch(1, 2, 3), batch(3, 5, 11)]
    metric = Perplexity()
    for given in batches:
        metric.update_state(*given)
    sums, counts = [total(*given) for given in batches], [given[2].sum() for given in batches]
    assert float(metric.result()) == pytest.approx(np.exp(sum(sums) / sum(counts)), rel=1e-5)
    by_batches = np.exp(np.mean([s / c for s, c in zip(sums, counts, strict=True)]))
    assert float(metric.result()) != pytest.approx(by_batches, rel=0.05)
    metric.reset_state()
    assert float(metric.result()) == 1.0  # nothing seen: no division by zero


def test_perplexity_is_not_smoothed_and_counts_all_without_weights():
    labels, logits, _ = batch(2, 3, 5)
    metric = Perplexity()
    metric.update_state(labels, logits)
    assert float(metric.result()) == pytest.approx(np.exp(total(labels, logits, 1.0) / 15), rel=1e-5)


def test_tokens_are_the_labels_of_some_weight():
    labels, logits, _ = batch(2, 3, 5)
    metric = TokenCount()
    weights = np.zeros((3, 5), "float32")
    weights[0, :3], weights[2, 0] = 1.0, 0.25
    metric.update_state(labels, logits, weights)
    assert float(metric.result()) == 4
    metric.update_state(labels, logits)
    assert float(metric.result()) == 19


@pytest.mark.parametrize("make", [Perplexity, TokenCount])
def test_the_configuration_comes_back(make):
    metric = keras.metrics.deserialize(keras.metrics.serialize(make(name="mine")))
    assert (type(metric), metric.name) == (make, "mine")


def test_in_fit_the_validation_pass_leaves_the_count_of_training_alone():
    model = keras.Sequential([keras.layers.Embedding(7, 3), keras.layers.Dense(7)])
    model.compile("sgd", SmoothedCrossEntropy(), weighted_metrics=[TokenCount(), Perplexity()])

    def data(sentences, length, real):
        ids = np.arange(sentences * length).reshape(sentences, length).astype("int32") % 7
        weights = np.zeros((sentences, length), "float32")
        weights[:, :real] = 1
        return tf.data.Dataset.from_tensor_slices((ids, ids, weights)).batch(2)

    history = model.fit(data(5, 3, 2), validation_data=data(3, 4, 3), epochs=2, verbose=0).history
    assert history["tokens"] == [10, 10]
    assert history["val_tokens"] == [9, 9]
    assert history["perplexity"][0] == pytest.approx(np.exp(history["loss"][0]), rel=1e-4)
