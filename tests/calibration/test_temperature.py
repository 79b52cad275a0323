"""The temperature is the one that makes labels likeliest."""

from __future__ import annotations

import numpy as np
import pytest

from keras_attn.calibration import confidence, fit_temperature, reliability
from keras_attn.errors import UserError


def drawn(temperature, seed=0, count=20_000, vocabulary=7, scale=2.0):
    """Logits, and labels that were drawn from softmax(logits / temperature)."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=scale, size=(count, vocabulary)).astype("float32")
    noise = random.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(axis=1)


def likelihood(batch, temperature):
    return confidence([batch], temperature).log_p.mean()


@pytest.mark.parametrize("of", ["labels", "confidence"])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 9.0])
def test_the_temperature_that_labels_were_drawn_with_is_found(temperature, of):
    assert fit_temperature([drawn(temperature)], of) == pytest.approx(temperature, rel=0.08)


@pytest.mark.parametrize("temperature", [0.3, 1.7])
def test_no_other_temperature_makes_the_labels_likelier(temperature):
    batch = drawn(temperature, count=500)
    found = fit_temperature([batch])
    assert likelihood(batch, found) > max(likelihood(batch, 0.99 * found), likelihood(batch, 1.01 * found))


def test_no_other_temperature_makes_right_and_wrong_likelier():
    batch = drawn(1.7, count=500)

    def likelihood(temperature):
        sure, right, _ = confidence([batch], temperature)
        return np.log(np.where(right, sure, 1 - sure)).mean()

    found = fit_temperature([batch], "confidence")
    assert likelihood(found) > max(likelihood(0.99 * found), likelihood(1.01 * found))
    assert abs(found - fit_temperature([batch])) > 0.01  # another one than that of labels


def test_smoothed_logits_are_fitted_by_their_confidence():
    """A tenth of the probability is spread over all words, which no temperature takes away."""
    logits, labels = drawn(1.0, vocabulary=200)
    p = np.exp(logits.astype("float64"))
    p /= p.sum(axis=1, keepdims=True)
    batches = [(np.log(0.9 * p + 0.1 / 200), labels)]
    errors = {}
    for of in ("labels", "confidence"):
        sure, right, _ = confidence(batches, fit_temperature(batches, of))
        errors[of] = reliability(sure, right).error
    assert errors["confidence"] < 0.7 * errors["labels"]


def test_batches_count_as_one():
    logits, labels = drawn(1.7, count=900)
    parts = [(logits[:100], labels[:100]), (logits[100:], labels[100:])]
    assert fit_temperature(parts) == pytest.approx(fit_temperature([(logits, labels)]), rel=1e-6)


@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_what_all_logits_share_does_not_matter(offset):
    logits, labels = drawn(1.7, count=900)
    moved = logits.astype("float64") + offset
    assert fit_temperature([(moved, labels)]) == pytest.approx(fit_temperature([(logits, labels)]), rel=1e-6)


def test_large_logits_are_brought_down():
    logits, labels = drawn(1.0, count=900)
    assert fit_temperature([(50 * logits, labels)]) == pytest.approx(50 * fit_temperature([(logits, labels)]), rel=1e-4)


def test_where_there_is_no_minimum_the_search_ends():
    right = np.eye(3)[[0, 1, 2]] * 2
    assert likelihood((right, np.arange(3)), fit_temperature([(right, np.arange(3))])) > -1e-9
    assert fit_temperature([(-right, np.arange(3))]) == pytest.approx(100)  # always wrong


class Counted(list):
    """A list that knows how often it was gone through."""

    passes = 0

    def __iter__(self):
        self.passes += 1
        return super().__iter__()


def test_few_passes_are_made():
    logits, labels = drawn(1.7, count=900)
    batches, large, right = Counted([(logits, labels)]), Counted([(50 * logits, labels)]), Counted()
    right.append((np.eye(3) * 2, np.arange(3)))
    for some in (batches, large, right):
        fit_temperature(some)
    assert batches.passes <= 8
    assert large.passes <= 16
    assert right.passes <= 40  # where there is no minimum
    for some in (batches, large, right):
        some.passes = 0
        fit_temperature(some, "confidence")
        assert some.passes <= 40


def test_what_cannot_be_fitted_is_named():
    with pytest.raises(UserError, match="several times"):
        fit_temperature(iter([drawn(1.0, count=5)]))
    with pytest.raises(UserError, match="at least one label"):
        fit_temperature([])
    with pytest.raises(UserError, match="of: expected one of 'labels', 'confidence', got 'words'"):
        fit_temperature([drawn(1.0, count=5)], "words")


def test_confidence_is_the_largest_probability():
    logits, labels = drawn(1.0, count=50)
    found = confidence([(logits[:20], labels[:20]), (logits[20:], labels[20:])], 2.0)
    p = np.exp(logits.astype("float64") / 2)
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.confidence, p.max(axis=1))
    np.testing.assert_array_equal(found.correct, p.argmax(axis=1) == labels)
    np.testing.assert_allclose(found.log_p, np.log(p[np.arange(50), labels]))
