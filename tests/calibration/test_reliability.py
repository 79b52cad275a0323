"""Predictions are sorted by how sure they are, and compared with how often they are right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keras_attn.calibration import confidence, fit_temperature, reliability
from keras_attn.errors import UserError


def test_bins_have_what_is_above_their_low_end_up_to_their_high_one():
    found = reliability(np.array([0.0, 0.2, 0.2000001, 0.6, 1.0]), np.ones(5, bool), bins=5)
    assert [one.count for one in found.bins] == [2, 1, 1, 0, 1]
    assert (found.bins[1].low, found.bins[1].high) == (0.2, 0.4)
    assert math.isnan(found.bins[3].accuracy)


def test_the_error_is_the_mean_distance_weighted_by_counts():
    sure = np.array([0.95, 0.85, 0.9, 0.3])
    found = reliability(sure, np.array([True, False, True, True]), bins=2)
    assert found.bins[1].confidence == pytest.approx(0.9)
    assert found.bins[1].accuracy == pytest.approx(2 / 3)
    assert found.error == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.7)


def test_the_fitted_temperature_takes_the_error_away():
    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=(20_000, 11))
    labels = (logits / 3 + random.gumbel(size=logits.shape)).argmax(axis=1)
    batches = [(logits, labels)]
    before, after = (reliability(*confidence(batches, t)[:2]).error for t in (1.0, fit_temperature(batches)))
    assert before > 0.2
    assert after < 0.02


@pytest.mark.parametrize(
    ("sure", "right", "bins", "message"),
    [
        ([], [], 15, "confidence: expected at least one"),
        ([0.5], [True, False], 15, "correct: expected 1, one for each"),
        ([1.5], [True], 15, "confidence: expected 0 to 1"),
        ([float("nan")], [True], 15, "confidence: expected 0 to 1"),
        ([0.5], [True], 0, "bins: expected at least 1"),
    ],
)
def test_what_makes_no_sense_is_named(sure, right, bins, message):
    with pytest.raises(UserError, match=message):
        reliability(np.array(sure), np.array(right), bins)
