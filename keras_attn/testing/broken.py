"""The error that names what broke."""

from __future__ import annotations

from keras_attn.testing.outcome import Outcome


class Broken(AssertionError):
    """Promises that do not hold: for each the layer, the promise, and the first index where it broke.

    Args:
        outcomes: the broken ones.
    """

    def __init__(self, outcomes: list[Outcome]):
        super().__init__("\n".join(map(str, outcomes)))
        self.outcomes = outcomes
