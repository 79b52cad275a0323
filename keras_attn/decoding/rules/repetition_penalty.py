"""Words that were said are less likely to be said again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.request import Request
from keras_attn.decoding.rules.no_repeat_ngram import said
from keras_attn.errors import expect


@dataclass(frozen=True)
class RepetitionPenalty:
    """x_i / theta for the logits x of words that were said.

    The paper divides. Below zero that would make a word likelier, so there it is x_i * theta, as is usual since.

    Args:
        theta: at least 1, which changes nothing; the paper takes 1.2.

    Source: Keskar et al. 2019, "CTRL", section 4.1.
    """

    theta: float = 1.2

    def __post_init__(self) -> None:
        expect(self.theta >= 1, "theta", "at least 1", self.theta)

    def __call__(self, scores: Any, ids: Any, position: Any, request: Request) -> Any:
        before = ops.arange(ops.shape(ids)[1], dtype="int32") < position
        weights = ops.broadcast_to(ops.cast(before, "float32"), ops.shape(ids))
        lower = ops.where(scores > 0, scores / self.theta, scores * self.theta)
        return ops.where(said(ids, weights, scores.shape[-1]) > 0, lower, scores)
