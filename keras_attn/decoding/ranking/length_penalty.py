"""Google's length penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.errors import expect


@dataclass(frozen=True)
class LengthPenalty:
    """log p / lp(Y), lp(Y) = ((5 + |Y|) / 6)^alpha; |Y| counts the end token.

    Args:
        alpha: 0 compares sums of log p, which favors short outputs; larger favors longer ones.

    Call arguments:
        log_p: sums of log p, at most 0.
        length: int, of a shape that goes with it.

    Source: Wu et al. 2016, "Google's Neural Machine Translation System", eq. 14.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        expect(self.alpha >= 0, "alpha", "at least 0", self.alpha)

    def __call__(self, log_p: Any, length: Any) -> Any:
        return log_p / ((5.0 + ops.cast(length, "float32")) / 6.0) ** self.alpha
