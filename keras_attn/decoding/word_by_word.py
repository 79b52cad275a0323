"""Search without a way back: one word is chosen, and then the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_attn.decoding.beginning import Beginning
from keras_attn.decoding.likeliest import NEVER, own_log_p
from keras_attn.decoding.request import Request
from keras_attn.decoding.rules.rule import Rule, obey
from keras_attn.decoding.until_finished import until_finished


def word_by_word(
    step: Callable[[dict], dict],
    begun: Beginning,
    choose: Callable[[Any, Any], tuple[Any, Any]],
    rules: tuple[Rule, ...],
    start: int,
    end: int,
    padding: int,
    scored: bool = True,
) -> tuple[Any, Any]:
    """Lengthen every row by the word that `choose` takes, until its end token or its limit.

    Args:
        choose: (scores (rows, vocabulary), position) -> score and word (int32), (rows, 1) each.
        scored: whether to sum log p, for which each step has to go through all words once more; else it counts as 0.

    Returns:
        ids (rows, longest), score (rows,): the model's own sum of log p; if rules left no word, minus infinity and
        padding.
    """
    longest = begun.longest
    column = ops.expand_dims(ops.arange(longest, dtype="int32"), 0)  # (1, longest)

    def unfinished(position: Any, found: dict, going: dict, fixed: dict) -> Any:
        done = ops.all(ops.reshape(going["done"], (-1, begun.times)), axis=1)  # (sentences,)
        return ops.logical_and(position < longest, ops.logical_not(done))

    def advance(position: Any, found: dict, going: dict, fixed: dict) -> tuple:
        ids, score, done, request = found["ids"], found["score"], going["done"], Request(**fixed["request"])
        told = {"tokens": going["token"], "position": position, "memory": fixed["memory"], "state": going["state"]}
        out = step(told)
        logits = ops.cast(out["logits"][:, 0], "float32")  # (rows, vocabulary)
        scores = obey(rules, logits, ids, position, request, padding)
        chosen, word = choose(scores, position)  # (rows, 1)
        gain = own_log_p(logits, word)[:, 0] if scored else ops.zeros_like(chosen[:, 0])
        if scores is not logits:
            gain = ops.where(chosen[:, 0] > NEVER / 2, gain, -float("inf"))  # else the rules left nothing
        score = score + ops.where(done, 0.0, gain)
        word = ops.where(ops.expand_dims(done, 1), padding, word)
        ids = ops.where(column == position, word, ids)  # (rows, longest)
        over = ops.logical_or(word[:, 0] == end, position + 1 >= request.limit)
        done = ops.logical_or(ops.logical_or(done, over), score == -float("inf"))
        return {"ids": ids, "score": score}, {"token": word, "done": done, "state": out["state"]}

    limit = begun.fixed["request"]["limit"]
    rows = ops.shape(limit)[0]
    nothing = {"ids": ops.full((rows, longest), padding, dtype="int32"), "score": ops.zeros((rows,), dtype="float32")}
    first = {"token": ops.full((rows, 1), start, dtype="int32"), "done": limit <= 0, "state": begun.state}
    found = until_finished(unfinished, advance, nothing, first, begun.fixed, begun.batch)
    ids, score = found["ids"], found["score"]
    if rules or "prefix" in begun.fixed["request"]:
        ids = ops.where(ops.expand_dims(score == -float("inf"), 1), padding, ids)
    return ids, score
