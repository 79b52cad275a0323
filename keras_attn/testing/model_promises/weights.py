"""The weights of the step view are a distribution over the words of the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, holds, said, same

CLOSE = 5e-7


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Not negative, zero on padding, one in sum; and not the same everywhere, or a constant would pass."""
    subject.needs_weights()
    may = (subject.source() != 0)[:, None, None, :]
    for name, weights in subject.step(subject.target(), subject.encoded)["weights"].items():
        what = f"weights of {name}"
        yield holds(what, weights >= 0, weights, "no negative number")
        yield holds(f"{what} on padding", (weights == 0) | may, weights, "0")
        if "sums to one" in subject.claims:
            yield same(f"sums of the {what}", weights.sum(-1), np.ones(weights.shape[:-1]), CLOSE)
        if "positive" in subject.claims:
            yield holds(f"{what} on words", (weights > 0) | ~may, weights, "above 0")
        most, least = weights[0].max(-1), weights[0].min(-1)  # the first source has no padding
        differ = bool((most > least * (1.05 if subject.specimen.remakable else 1.0)).any())
        yield said(what, "differ from word to word" if differ else "are the same", "differ from word to word")
