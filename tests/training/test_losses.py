"""Cross-entropy over tokens against Keras' own and against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy

from keras_attn.training import SmoothedCrossEntropy
from keras_attn.training.losses import negative_log_likelihood

BATCH, LENGTH, VOCABULARY = 3, 5, 11
LENGTHS = np.array([5, 2, 3])


@pytest.fixture
def example():
    """Labels, logits and weights of sentences that are padded to one length."""
    random = np.random.default_rng(0)
    labels = random.integers(1, VOCABULARY, (BATCH, LENGTH)).astype("int32")
    logits = random.normal(scale=3, size=(BATCH, LENGTH, VOCABULARY)).astype("float32")
    weights = (np.arange(LENGTH) < LENGTHS[:, None]).astype("float32")
    return labels, logits, weights


def by_hand(labels, logits, smoothing):
    """logsumexp(z) - (1 - e) z_y - e mean(z), for each token, in float64."""
    z = logits.astype("float64")
    top = z.max(-1)
    total = top + np.log(np.exp(z - top[..., None]).sum(-1))
    right = np.take_along_axis(z, labels[..., None], -1)[..., 0]
    return total - (1 - smoothing) * right - smoothing * z.mean(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_it_is_the_formula_averaged_over_tokens(example, smoothing):
    labels, logits, weights = example
    ours = float(SmoothedCrossEntropy(smoothing)(labels, logits, weights))
    wanted = (by_hand(labels, logits, smoothing) * weights).sum() / LENGTHS.sum()
    assert ours == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_that_of_keras_on_one_hot_labels(example, smoothing):
    labels, logits, weights = example
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction="none")
    each = numpy(theirs(np.eye(VOCABULARY)[labels], logits))
    ours = float(SmoothedCrossEntropy(smoothing)(labels, logits, weights))
    assert ours == pytest.approx((each * weights).sum() / weights.sum(), rel=1e-6)


def test_padding_changes_nothing(example):
    labels, logits, weights = example
    loss = SmoothedCrossEntropy(0.1)
    before = float(loss(labels, logits, weights))
    wider = [np.pad(labels, ((0, 2), (0, 4))), np.pad(logits, ((0, 2), (0, 4), (0, 0)), constant_values=7.0)]
    assert float(loss(*wider, np.pad(weights, ((0, 2), (0, 4))))) == pytest.approx(before, rel=1e-6)
    # A sentence of five tokens counts five times as much as one of one token, not as much.
    each = by_hand(labels, logits, 0.1)
    sentences = np.mean([each[row, :length].mean() for row, length in enumerate(LENGTHS)])
    assert abs(before - sentences) > 0.01


def test_nothing_but_padding_costs_nothing(example):
    labels, logits, _ = example
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = SmoothedCrossEntropy(0.1)(labels, logits, np.zeros((BATCH, LENGTH), "float32"))
    assert float(loss) == 0
    assert not np.any(tape.gradient(loss, logits))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_its_gradient_is_softmax_minus_the_wanted_distribution(example, smoothing):
    labels, logits, weights = example
    variable = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = SmoothedCrossEntropy(smoothing)(labels, variable, weights)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    q = (1 - smoothing) * np.eye(VOCABULARY)[labels] + smoothing / VOCABULARY
    wanted = (p - q) * weights[..., None] / weights.sum()
    np.testing.assert_allclose(tape.gradient(loss, variable), wanted, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_logits_are_summed_in_float32(example, dtype):
    labels, logits, weights = example
    narrow = tf.cast(logits * 100, dtype)
    loss = SmoothedCrossEntropy(0.1)(labels, narrow, weights)
    assert loss.dtype == tf.float32
    wanted = (by_hand(labels, tf.cast(narrow, tf.float64).numpy(), 0.1) * weights).sum() / weights.sum()
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


def test_negative_log_likelihood_is_the_formula_without_smoothing(example):
    labels, logits, _ = example
    np.testing.assert_allclose(
        numpy(negative_log_likelihood(labels, logits)), by_hand(labels, logits, 0), rtol=1e-5, atol=1e-6
    )


def test_the_configuration_comes_back():
    loss = SmoothedCrossEntropy(0.3, name="other")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, SmoothedCrossEntropy)
    assert (
        again.get_config()
        == loss.get_config()
        == {
            "smoothing": 0.3,
            "reduction": "mean_with_sample_weight",
            "name": "other",
        }
    )


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_is_a_share(smoothing):
    with pytest.raises(ValueError, match=f"`smoothing` must be at least 0 and below 1; it came as {smoothing}"):
        SmoothedCrossEntropy(smoothing)
