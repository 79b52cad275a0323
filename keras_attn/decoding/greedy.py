"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.ops import memory as memory_ops


@dataclass(frozen=True)
class Greedy:
    """y_i = argmax p(y | y_<i, x), until the end token or the sentence's own limit.

    Args:
        start, end, padding: the ids of these three tokens.

    Call arguments:
        step: takes a dict of tokens (batch, 1), position (), memory, state; returns a dict with logits
            (batch, 1, vocabulary) and the new state.
        memory, state: nested dicts and lists of tensors with the batch first.
        max_length: the most tokens to put out, the end token included: an int, or one int per sentence (batch,). With
            one per sentence a result does not depend on what else is in the batch.

    Returns:
        ids (batch, longest): the end token stays, padding follows it; score (batch,): sum of log p, in float32.
    """

    start: int = 2
    end: int = 3
    padding: int = 0

    def __call__(self, step: Callable[[dict], dict], memory: dict, state: dict, max_length: Any) -> tuple[Any, Any]:
        batch = ops.shape(_first_leaf(state))[0]
        limit = ops.broadcast_to(ops.cast(max_length, "int32"), (batch,))
        longest = max_length if isinstance(max_length, int) else ops.max(limit, initial=0)  # a batch may be empty
        ids = ops.full((batch, longest), self.padding, dtype="int32")
        column = ops.expand_dims(ops.arange(longest, dtype="int32"), 0)  # (1, longest)

        def unfinished(position: Any, token: Any, done: Any, *_: Any) -> Any:
            return ops.logical_and(position < longest, ops.logical_not(ops.all(done)))

        def advance(position: Any, token: Any, done: Any, ids: Any, score: Any, state: Any) -> tuple:
            out = step({"tokens": token, "position": position, "memory": memory, "state": state})
            logits = ops.cast(out["logits"][:, 0], "float32")  # (batch, vocabulary)
            best = ops.cast(ops.argmax(logits, axis=-1), "int32")  # (batch,)
            gain = ops.max(logits, axis=-1) - ops.logsumexp(logits, axis=-1)  # (batch,) log p of the best
            best = ops.where(done, self.padding, best)
            score = score + ops.where(done, 0.0, gain)
            ids = ops.where(column == position, ops.expand_dims(best, 1), ids)  # (batch, longest)
            position = position + 1
            done = ops.logical_or(done, ops.logical_or(best == self.end, position >= limit))
            return position, ops.expand_dims(best, 1), done, ids, score, out["state"]

        first = (
            ops.cast(0, "int32"),
            ops.full((batch, 1), self.start, dtype="int32"),
            limit <= 0,
            ids,
            ops.zeros((batch,), dtype="float32"),
            memory_ops.sized(state, longest),
        )
        _, _, _, ids, score, _ = ops.while_loop(unfinished, advance, first)
        return ids, score


def _first_leaf(nested: Any) -> Any:
    while isinstance(nested, dict | list | tuple):
        nested = next(iter(nested.values())) if isinstance(nested, dict) else nested[0]
    return nested
