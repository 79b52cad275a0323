"""Search without a way back: one word is chosen, and then the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_attn.decoding.beginning import Beginning
from keras_attn.decoding.likeliest import NEVER, own_log_p
from keras_attn.decoding.rules.rule import Rule, obey


def word_by_word(
    step: Callable[[dict], dict],
    begun: Beginning,
    choose: Callable[[Any, Any], tuple[Any, Any]],
    rules: tuple[Rule, ...],
    start: int,
    end: int,
    padding: int,
) -> tuple[Any, Any]:
    """Lengthen every row by the word that `choose` takes, until its end token or its limit.

    Args:
        choose: (scores (rows, vocabulary), position) -> score and word (int32), (rows, 1) each.

    Returns:
        ids (rows, longest), score (rows,): the model's own sum of log p; if rules left no word, minus infinity and
        padding.
    """
    limit, longest = begun.request.limit, begun.longest
    column = ops.expand_dims(ops.arange(longest, dtype="int32"), 0)  # (1, longest)
    rows = ops.shape(limit)[0]

    def unfinished(position: Any, token: Any, done: Any, *_: Any) -> Any:
        return ops.logical_and(position < longest, ops.logical_not(ops.all(done)))

    def advance(position: Any, token: Any, done: Any, ids: Any, score: Any, state: Any) -> tuple:
        out = step({"tokens": token, "position": position, "memory": begun.memory, "state": state})
        logits = ops.cast(out["logits"][:, 0], "float32")  # (rows, vocabulary)
        scores = obey(rules, logits, ids, position, begun.request, padding)
        chosen, word = choose(scores, position)  # (rows, 1)
        gain = own_log_p(logits, word)[:, 0]
        if scores is not logits:
            gain = ops.where(chosen[:, 0] > NEVER / 2, gain, -float("inf"))  # else the rules left nothing
        score = score + ops.where(done, 0.0, gain)
        word = ops.where(ops.expand_dims(done, 1), padding, word)
        ids = ops.where(column == position, word, ids)  # (rows, longest)
        position = position + 1
        over = ops.logical_or(word[:, 0] == end, position >= limit)
        done = ops.logical_or(ops.logical_or(done, over), score == -float("inf"))
        return position, word, done, ids, score, out["state"]

    first = (
        ops.cast(0, "int32"),
        ops.full((rows, 1), start, dtype="int32"),
        limit <= 0,
        ops.full((rows, longest), padding, dtype="int32"),
        ops.zeros((rows,), dtype="float32"),
        begun.state,
    )
    _, _, _, ids, score, _ = ops.while_loop(unfinished, advance, first)
    if rules or begun.request.prefix is not None:
        ids = ops.where(ops.expand_dims(score == -float("inf"), 1), padding, ids)
    return ids, score
