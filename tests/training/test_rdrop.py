"""R-Drop beside the paper's equations, on two passes that differ and on two that don't."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
import toy_training
from catalogue import numpy
from keras import ops

from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training import RDrop, SmoothedCrossEntropy, fit
from keras_attn.training.rdrop import disagreement

random = np.random.default_rng(1)
LABELS = random.integers(0, 7, (3, 5)).astype("int32")
WEIGHTS = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], "float32")
FIRST, SECOND = random.normal(size=(2, 3, 5, 7)).astype("float32")


def twice(x):
    return np.concatenate([x, x])


def paper(first, second, alpha, smoothing):
    """Eq. 2-4 token by token, the mean over real tokens, halved."""
    total = 0.0
    for sentence, place in np.argwhere(WEIGHTS > 0):
        logs = []
        for logits in (first, second):
            z = logits[sentence, place].astype("float64")
            logs.append(z - np.log(np.exp(z).sum()))
        wanted = np.full(7, smoothing / 7)
        wanted[LABELS[sentence, place]] += 1 - smoothing
        crosses = sum(-(wanted * log_p).sum() for log_p in logs)
        p, q = np.exp(logs)
        apart = (p * (logs[0] - logs[1])).sum() + (q * (logs[1] - logs[0])).sum()
        total += crosses + alpha / 2 * apart
    return total / WEIGHTS.sum() / 2


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_that_of_the_paper(alpha, smoothing):
    logits = np.concatenate([FIRST, SECOND])
    found = RDrop(alpha, smoothing)(twice(LABELS), logits, twice(WEIGHTS))
    np.testing.assert_allclose(numpy(found), paper(FIRST, SECOND, alpha, smoothing), rtol=1e-5)


def test_where_both_passes_agree_it_is_the_cross_entropy_of_one():
    found = RDrop(5.0, 0.1)(twice(LABELS), twice(FIRST), twice(WEIGHTS))
    np.testing.assert_allclose(numpy(found), numpy(SmoothedCrossEntropy(0.1)(LABELS, FIRST, WEIGHTS)), rtol=1e-6)


def test_it_draws_two_passes_together():
    """Following its gradient alone, the passes come closer than the cross-entropy alone brings them."""
    gaps = {}
    for alpha in (0.0, 5.0):
        logits = tf.constant(np.concatenate([FIRST, SECOND]))
        for _ in range(20):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                loss = RDrop(alpha)(twice(LABELS), logits, twice(WEIGHTS))
            logits -= 2.0 * tape.gradient(loss, logits)
        p = numpy(ops.softmax(logits))
        gaps[alpha] = abs(p[:3] - p[3:])[WEIGHTS > 0].mean()
    assert gaps[5.0] < 0.5 * gaps[0.0]


def test_a_weight_below_zero_is_refused():
    with pytest.raises(UserError, match="alpha: expected 0 or more, got -1"):
        RDrop(-1)


def test_its_config_makes_it_again():
    again = RDrop.from_config(RDrop(3.0, 0.2).get_config())
    assert (again.alpha, again.smoothing, again.reduction) == (3.0, 0.2, "mean_with_sample_weight")


def fitted(dropout, peak=0.05, **settings):
    """The weights and the logs after two epochs of the toy."""
    views = toy_training.views(dropout)
    batches = functools.partial(as_dataset, toy_training.corpus())
    history = fit(
        views,
        batches,
        validation=as_dataset(toy_training.corpus(shuffle=False)),
        epochs=2,
        optimizer="adam",
        peak=peak,
        verbose=0,
        **settings,
    )
    return views.training.get_weights(), history.history


@pytest.mark.parametrize("accumulate", [1, 2])
def test_without_dropout_fit_with_it_is_fit_without_it(accumulate):
    (plain, alone), (found, logs) = (fitted(0.0, rdrop=rdrop, accumulate=accumulate) for rdrop in (None, 5.0))
    for weights, wanted in zip(found, plain, strict=True):
        np.testing.assert_allclose(weights, wanted, atol=1e-5)
    for name in ("tokens", "val_tokens"):  # of both passes
        np.testing.assert_array_equal(logs.pop(name), 2 * np.array(alone.pop(name)))
    for name in alone:
        np.testing.assert_allclose(logs[name], alone[name], rtol=1e-5, err_msg=name)


def test_fit_gives_each_copy_a_dropout_of_its_own():
    """Else the passes agree, and their weight makes no difference."""
    (_, without), (_, logs) = (fitted(0.5, peak=1e-9, rdrop=rdrop) for rdrop in (0.0, 1e4))  # weights stay
    assert logs["loss"][0] > 2 * without["loss"][0]
    np.testing.assert_allclose(logs["val_loss"], without["val_loss"], rtol=1e-5)  # no dropout, no disagreement


def test_the_gradient_is_that_of_the_formula():
    logits, upstream = tf.constant(np.concatenate([FIRST, SECOND])), random.normal(size=(3, 5)).astype("float32")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        log_p, log_q = tf.split(tf.nn.log_softmax(logits), 2)
        wanted = tf.reduce_sum((tf.exp(log_p) - tf.exp(log_q)) * (log_p - log_q), axis=-1)
        found = disagreement(logits)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    gradients = (tape.gradient(value, logits, upstream) for value in (found, wanted))
    np.testing.assert_allclose(*gradients, atol=1e-5)
