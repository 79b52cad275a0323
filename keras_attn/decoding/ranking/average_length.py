"""The mean of log p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops


@dataclass(frozen=True)
class AverageLength:
    """log p / |Y|, the mean over tokens; |Y| counts the end token.

    Call arguments:
        log_p, length: see `LengthPenalty`.

    Source: Cho et al. 2014, "On the Properties of Neural Machine Translation", section 4.2.
    """

    def __call__(self, log_p: Any, length: Any) -> Any:
        return log_p / ops.maximum(ops.cast(length, "float32"), 1.0)
