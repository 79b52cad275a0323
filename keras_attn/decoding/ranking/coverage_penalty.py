"""What part of the source was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.errors import UserError, expect

UNSEEN = 1e-9  # attention that a word got counts as at least this: a window may leave one out, and log 0 is no number


@dataclass(frozen=True)
class CoveragePenalty:
    """cp(X; Y) = beta * sum_i log(min(sum_j p_ij, 1)), with p_ij the attention of target word j to source word i.

    It is at most 0, and 0 where every source word was looked at, altogether, for as much as one target word.

    Args:
        beta: 0 changes nothing; the paper's best is 0.2 beside a length penalty of 0.2.

    Call arguments:
        looked: (..., source_length) sums of attention over target words.
        source_mask: booleans of the same shape or one that goes with it, True where there is a token.

    Source: Wu et al. 2016, "Google's Neural Machine Translation System", eq. 14.
    """

    beta: float = 0.2

    def __post_init__(self) -> None:
        # Less than 0 would reward what was overlooked; then nothing bounds what a hypothesis may come to be worth.
        expect(self.beta >= 0, "beta", "at least 0", self.beta)

    def __call__(self, looked: Any, source_mask: Any) -> Any:
        each = ops.log(ops.clip(looked, UNSEEN, 1.0))
        return self.beta * ops.sum(ops.where(source_mask, each, 0.0), axis=-1)


def attention(out: dict) -> Any:
    """Attention (rows, source_length) of a step of one token: mean over heads of the last layer that reads."""
    if not out.get("weights"):
        raise UserError(
            "coverage: the model has no attention whose weights could be summed up; leave the penalty out, or give the "
            "decoder an attention"
        )
    weights = list(out["weights"].values())[-1]  # (rows, heads, 1, source_length)
    return ops.cast(ops.mean(weights[:, :, 0], axis=1), "float32")
