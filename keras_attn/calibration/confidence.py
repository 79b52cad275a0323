"""How sure a model was, and whether it was right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keras_attn.calibration.temperature import Batches


class Confidence(NamedTuple):
    """Of each label, in order.

    Args:
        confidence: (n,) float64, the largest probability.
        correct: (n,) bool, whether that word was the label.
        log_p: (n,) float64, log p of the label.
    """

    confidence: np.ndarray
    correct: np.ndarray
    log_p: np.ndarray


def confidence(batches: Batches, temperature: float = 1.0) -> Confidence:
    """The largest probability under p = softmax(z / T), whether it was the label's, and log p of the label.

    Args:
        batches: logits and labels, see `fit_temperature`.
        temperature: T.
    """
    parts = []
    for logits, labels in batches:
        z = logits.astype("float64") / temperature
        z -= z.max(axis=1, keepdims=True)
        total = np.exp(z).sum(axis=1)
        log_p = z[np.arange(len(labels)), labels] - np.log(total)
        parts.append((1 / total, z.argmax(axis=1) == labels, log_p))
    sides = zip(*parts, strict=True) if parts else [[np.zeros(0)], [np.zeros(0, bool)], [np.zeros(0)]]
    return Confidence(*(np.concatenate(side) for side in sides))
