"""Beam search: the best few beginnings, lengthened together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops, tree

from keras_attn.errors import expect
from keras_attn.ops import memory as memory_ops

NEVER = -1e30  # log p of what cannot be; finite, so that sums and products stay numbers


@dataclass(frozen=True)
class Beam:
    """Of all continuations of the `width` likeliest beginnings keep the `width` likeliest.

    It ends when nothing better can come. The output is the hypothesis of the highest
    log p / ((5 + length) / 6)^length_penalty among those that ended with the end token or at the sentence's limit; its
    length counts the end token. Alone or in a batch, a sentence gives the same.

    Args:
        width: number of beginnings kept; 1 is greedy search.
        length_penalty: 0 compares sums of log p, which favors short outputs; larger favors longer ones.
        start, end, padding: the ids of these three tokens.

    Call arguments:
        step, memory, state, max_length: see `Greedy`.

    Returns:
        ids (batch, longest): the end token stays, padding follows it; score (batch,): sum of log p, in float32.

    Source: Wu et al. 2016, "Google's Neural Machine Translation System", eq. 14 (the penalty) and section 7.
    """

    width: int = 5
    length_penalty: float = 1.0
    start: int = 2
    end: int = 3
    padding: int = 0

    def __post_init__(self) -> None:
        expect(self.width >= 1, "width", "at least 1", self.width)
        expect(self.length_penalty >= 0, "length_penalty", "at least 0", self.length_penalty)

    def __call__(self, step: Callable[[dict], dict], memory: dict, state: dict, max_length: Any) -> tuple[Any, Any]:
        width = self.width
        batch = ops.shape(tree.flatten(state)[0])[0]
        limit = ops.broadcast_to(ops.cast(max_length, "int32"), (batch,))
        longest = max_length if isinstance(max_length, int) else ops.max(limit, initial=0)  # a batch may be empty
        memory, state = tree.map_structure(self._repeat, (memory, memory_ops.sized(state, longest)))
        column = ops.reshape(ops.arange(longest, dtype="int32"), (1, 1, -1))
        row = ops.expand_dims(ops.arange(batch), 1) * width  # (batch, 1)

        def unfinished(position: Any, alive: dict, ended: dict, *_: Any) -> Any:
            # Log p falls with every token, and no penalty is weaker than that of the limit.
            hope = ops.max(alive["log_p"], axis=1) / self._penalty(limit)  # (batch,)
            open_ = ops.logical_and(position < limit, hope > ops.min(ended["value"], axis=1))
            return ops.logical_and(position < longest, ops.any(open_))

        def advance(position: Any, alive: dict, ended: dict, token: Any, state: Any) -> tuple:
            out = step({"tokens": token, "position": position, "memory": memory, "state": state})
            logits = ops.cast(out["logits"][:, 0], "float32")  # (batch * width, vocabulary)
            vocabulary = logits.shape[-1]
            log_p = ops.reshape(ops.log_softmax(logits, axis=-1), (batch, width, vocabulary))
            total = ops.expand_dims(alive["log_p"], 2) + log_p
            # Twice as many: at most `width` of them end, so as many go on.
            count = min(2 * width, width * vocabulary)
            best, where = ops.top_k(ops.reshape(total, (batch, width * vocabulary)), count)  # (batch, 2 width)
            beam, word = where // vocabulary, ops.cast(where % vocabulary, "int32")
            ids = ops.take_along_axis(alive["ids"], ops.expand_dims(beam, 2), axis=1)  # (batch, 2 width, longest)
            ids = ops.where(column == position, ops.expand_dims(word, 2), ids)

            position = position + 1
            inside = ops.expand_dims(position <= limit, 1)  # (batch, 1)
            stops = ops.logical_or(word == self.end, ops.expand_dims(position >= limit, 1))
            may = ops.logical_and(ops.logical_and(stops, inside), best > NEVER / 2)
            value = ops.where(may, best / self._penalty(position), NEVER)
            found = {"value": value, "log_p": best, "ids": ids}
            found = {name: ops.concatenate([ended[name], found[name]], axis=1) for name in found}
            kept = ops.top_k(found["value"], width)[1]  # (batch, width); of equals the first, hence the older
            ended = {name: _pick(leaf, kept) for name, leaf in found.items()}

            going = ops.top_k(ops.where(stops, NEVER, best), width)[1]  # (batch, width)
            log_p = _pick(ops.where(stops, NEVER, best), going)
            alive = {"log_p": log_p, "ids": _pick(ids, going)}
            parent = ops.reshape(row + ops.cast(_pick(beam, going), row.dtype), (-1,))  # (batch * width,)
            state = tree.map_structure(lambda leaf: ops.take(leaf, parent, axis=0), out["state"])
            token = ops.reshape(_pick(word, going), (-1, 1))
            return position, alive, ended, token, state

        empty = ops.full((batch, width, longest), self.padding, dtype="int32")
        never = ops.full((batch, width), NEVER, dtype="float32")
        first = ops.where(ops.arange(width) == 0, ops.zeros((batch, width), dtype="float32"), never)
        begun = (
            ops.cast(0, "int32"),
            {"log_p": first, "ids": empty},  # one beginning; the others would be its copies
            {"value": never, "log_p": ops.zeros((batch, width), dtype="float32"), "ids": empty},
            ops.full((batch * width, 1), self.start, dtype="int32"),
            state,
        )
        _, _, ended, _, _ = ops.while_loop(unfinished, advance, begun)
        return ended["ids"][:, 0], ended["log_p"][:, 0]

    def _penalty(self, length: Any) -> Any:
        return ((5.0 + ops.cast(length, "float32")) / 6.0) ** self.length_penalty

    def _repeat(self, leaf: Any) -> Any:
        return ops.repeat(leaf, self.width, axis=0)


def _pick(x: Any, index: Any) -> Any:
    """x (batch, many, ...), index (batch, few) -> (batch, few, ...)."""
    for _ in range(len(x.shape) - 2):
        index = ops.expand_dims(index, -1)
    return ops.take_along_axis(x, index, axis=1)
