"""How often a model is right when it is so and so sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_attn.errors import expect


@dataclass(frozen=True)
class Bin:
    """What was predicted with a confidence above `low` and up to `high`.

    Args:
        count: how many predictions.
        confidence, accuracy: their mean confidence and the share that was right; not-a-number of no predictions.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """Bins from 0 to 1."""

    bins: tuple[Bin, ...]

    @property
    def error(self) -> float:
        """The expected calibration error: sum over bins of count / n * |accuracy - confidence|."""
        total = sum(one.count for one in self.bins)
        full = [one for one in self.bins if one.count]
        return sum(one.count / total * abs(one.accuracy - one.confidence) for one in full)


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> Reliability:
    """Sort predictions into bins of equal width by their confidence.

    >>> found = reliability(np.array([0.9, 0.9, 0.4]), np.array([True, False, False]), bins=2)
    >>> [one.count for one in found.bins], round(found.error, 4)
    ([1, 2], 0.4)

    Args:
        confidence: (n,), 0 to 1, the probability of what was predicted.
        correct: (n,), whether that was right.
        bins: how many; Guo et al. take 15.

    Raises:
        UserError: nothing was predicted, the two are not as long, or a confidence is none.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, equations 2, 3 and 5.
    """
    confidence, correct = np.asarray(confidence, "float64"), np.asarray(correct, bool)
    expect(bins >= 1, "bins", "at least 1", bins)
    expect(len(confidence) > 0, "confidence", "at least one prediction", "none")
    expect(len(correct) == len(confidence), "correct", f"{len(confidence)}, one for each confidence", len(correct))
    sure = bool(((confidence >= 0) & (confidence <= 1)).all())
    expect(sure, "confidence", "0 to 1", [float(confidence.min()), float(confidence.max())])
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, confidence, bins) / count
        right = np.bincount(place, correct, bins) / count
    rows = zip(count.tolist(), mean.tolist(), right.tolist(), strict=True)
    return Reliability(tuple(Bin(i / bins, (i + 1) / bins, *row) for i, row in enumerate(rows)))
