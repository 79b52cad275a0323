"""No sequence of n words twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.likeliest import NEVER
from keras_attn.decoding.request import Request
from keras_attn.errors import expect


@dataclass(frozen=True)
class NoRepeatNgram:
    """A word that would end an n-gram which is there already is forbidden.

        size 3, so far    a b c d a b       "a b" was followed by c, so c is forbidden

    Args:
        size: n; 1 forbids every word that was said, the end token excepted, as it is said once.

    Source: Paulus et al. 2018, "A Deep Reinforced Model for Abstractive Summarization", section 2.5 (n = 3).
    """

    size: int = 3

    def __post_init__(self) -> None:
        expect(self.size >= 1, "size", "at least 1", self.size)

    def __call__(self, scores: Any, ids: Any, position: Any, request: Request) -> Any:
        rows, longest = ops.shape(ids)
        context = self.size - 1
        column = ops.arange(longest, dtype="int32")  # where the last word of an n-gram stands
        repeated = ops.broadcast_to(ops.logical_and(column >= context, column < position), (rows, longest))
        for back in range(1, context + 1):
            there = ops.take(ids, ops.maximum(column - back, 0), axis=1)  # (rows, longest)
            here = ops.take(ids, ops.expand_dims(ops.maximum(position - back, 0), 0), axis=1)  # (rows, 1)
            repeated = ops.logical_and(repeated, there == here)
        return scores + said(ids, ops.where(repeated, NEVER, 0.0), scores.shape[-1])


def said(ids: Any, weights: Any, vocabulary: int) -> Any:
    """Sum of `weights` (rows, longest) over the places where a word stands in `ids`: (rows, vocabulary)."""
    rows, longest = ops.shape(ids)
    row = ops.repeat(ops.arange(rows, dtype="int32"), longest)
    where = ops.stack([row, ops.reshape(ops.cast(ids, "int32"), (-1,))], -1)  # (rows * longest, 2)
    return ops.scatter(where, ops.reshape(weights, (-1,)), (rows, vocabulary))
