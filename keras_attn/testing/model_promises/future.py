"""A future token changes nothing earlier, and something later."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, holds, same


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Another token at position t: logits before t are the same bits."""
    inputs, before = subject.inputs, subject.logits
    for time in range(1, inputs["target"].shape[1]):
        target = inputs["target"].copy()
        target[:, time] = np.where(target[:, time] == 7, 8, 7)
        after = subject.train({**inputs, "target": target})
        yield same(f"logits before another token {time}", after[:, :time], before[:, :time])
        moved = np.abs(after[:, time:] - before[:, time:]).max(-1)
        least = 1e-3 if subject.specimen.remakable else 0.0
        yield holds(f"change of the logits from another token {time} on", moved > least, moved, f"above {least}")
