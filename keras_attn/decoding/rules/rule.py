"""How rules are asked."""

from __future__ import annotations

from typing import Any, Protocol

from keras import ops

from keras_attn.decoding.likeliest import NEVER
from keras_attn.decoding.request import Request


class Rule(Protocol):
    """Lowers the scores of next words, by `NEVER` to forbid them, and raises none.

    As no rule raises a score, a search that stops when nothing better can come stays right. What is forbidden does not
    make the rest likelier: the normalizer stays the model's.

    Call arguments:
        scores: (rows, vocabulary) float32, logits that rules before this one may have lowered.
        ids: (rows, longest) the words so far, padding after them.
        position: () how many words there are so far.
        request: `Request` with the rows in place of the batch; limit (rows,) is always there.

    Returns:
        scores (rows, vocabulary).
    """

    def __call__(self, scores: Any, ids: Any, position: Any, request: Request) -> Any: ...


def obey(rules: tuple[Rule, ...], logits: Any, ids: Any, position: Any, request: Request, padding: int) -> Any:
    """Scores (rows, vocabulary) after all rules; while a prefix lasts, its word and nothing else."""
    scores = logits
    for rule in rules:
        scores = rule(scores, ids, position, request)
    if request.prefix is None:
        return scores
    prefix = ops.cast(request.prefix, "int32")  # (rows, prefix_length)
    here = ops.arange(ops.shape(prefix)[1], dtype="int32") == position  # nowhere behind the prefix
    wanted = ops.sum(ops.where(here, prefix, 0), axis=1, keepdims=True)  # (rows, 1)
    lasts = ops.logical_and(ops.any(here), wanted != padding)
    given = ops.where(ops.arange(logits.shape[-1], dtype="int32") == wanted, logits, NEVER)
    return ops.where(lasts, given, scores)
