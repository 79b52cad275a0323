"""What a search finds."""

from __future__ import annotations

from typing import Any, NamedTuple


class Hypotheses(NamedTuple):
    """The n best outputs for each sentence, best first.

    Args:
        ids: (batch, n, longest) int32; the end token stays, padding follows it.
        score: (batch, n) float32, the model's own sum of log p over these ids, the end token included, whatever rules
            and penalties were on: what `score` gives for them.
        value: (batch, n) float32, what they were ranked by.

    Where a search finds fewer than n, because there are no more or rules leave none, ids are padding and score and
    value are minus infinity, log 0.
    """

    ids: Any
    score: Any
    value: Any
