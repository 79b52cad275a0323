"""Attention weights are a distribution over what may be seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.testing import masks
from keras_attn.testing.statement import Statement, holds, same
from keras_attn.testing.subject import Subject

CLOSE = 5e-7


def look(subject: Subject) -> Iterator[Statement]:
    """a_qk >= 0, sum_k a_qk = 1 over the keys that may be seen, 0 elsewhere."""
    subject.needs_weights()
    arrays, outputs = subject.arrays(), subject.named(subject.outputs())
    for path, spec in subject.attending.items():
        weights, may = outputs[path], subject.visible(arrays, spec)
        seeing = may.any(-1) & masks.judged(subject.specimen, arrays, spec)
        yield same("shape of the weights", weights.shape, spec.shape)
        yield holds("weights", weights >= 0, weights, "no negative number")
        yield holds("weights of what may not be seen", (weights == 0) | may | ~seeing[..., None], weights, "0")
        if "sums to one" in subject.claims:
            yield same("sums of weights over what may be seen", np.where(seeing, weights.sum(-1), 1), seeing | 1, CLOSE)
        if "positive" in subject.claims:
            yield holds("weights of what may be seen", (weights > 0) | ~may | ~seeing[..., None], weights, "above 0")
