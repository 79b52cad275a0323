"""Beam search with phrases that have to be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.beam import Beam, pick
from keras_attn.decoding.likeliest import NEVER, likeliest
from keras_attn.decoding.phrases import progress
from keras_attn.decoding.request import Request
from keras_attn.errors import expect


@dataclass(frozen=True)
class ConstrainedBeam(Beam):
    """Every output has all of its sentence's `Request.phrases`; beams are shared out by how much of them is said.

    Candidates are (1) the best continuations of all beams, (2) the next word of every phrase that a beam has not said,
    (3) the best continuation of each beam. Candidates that have said as many tokens of phrases make a bank. Banks take
    turns, the one with most tokens first, each with its best candidate that is left: so each gets an equal share of the
    beam, what a bank cannot use goes to the others, and one always gets ahead. Only a candidate that has said all may
    end. If the sentence's limit is at least the phrases' total length, and no rule forbids their words, they are said.
    A phrase that is given twice, or that is a part of another, need stand there once.

    Args:
        see `Beam`. Without phrases it is `Beam`.

    Source: Post and Vilar 2018, "Fast Lexically Constrained Decoding with Dynamic Beam Allocation for Neural Machine
    Translation", sections 3 and 4. There what a bank cannot use goes to the next one, here to all in turn.
    """

    def _continue(self, scores: Any, before: Any, ids: Any, position: Any, request: Request) -> tuple[Any, Any, Any]:
        expect(request.phrases is not None, "phrases", "some in Request; `Beam` is for none", None)
        width, longest = self.width, ops.shape(ids)[2]
        rows = ops.cast(request.phrases, "int32")  # (searches * width, count, phrase_length)
        count, words = ops.shape(rows)[1:]
        phrases = ops.reshape(rows, (-1, width, count, words))[:, 0]  # (searches, count, phrase_length)
        total = ops.sum(ops.cast(phrases != self.padding, "int32"), axis=(1, 2))  # (searches,) tokens to be said
        asked = ops.expand_dims(total > 0, 1)

        def candidates(words: Any, best: Any) -> list[Any]:
            """Of words and their scores (searches * width, n) from each beam."""
            n = ops.shape(words)[1]
            log_p = ops.expand_dims(before, 2) + ops.reshape(best, (-1, width, n))
            beam = ops.repeat(ops.arange(width, dtype="int32"), n)
            flat = ops.reshape(log_p, (-1, width * n))
            return [flat, ops.broadcast_to(beam, ops.shape(flat)), ops.reshape(words, (-1, width * n))]

        _, following = progress(ops.reshape(ids, (-1, longest)), position, rows, self.padding)
        reached = ops.where(following == self.padding, NEVER, ops.take_along_axis(scores, following, axis=1))
        single, its_word = likeliest(scores, 1, (self.padding, self.start))
        kinds = [
            super()._continue(scores, before, ids, position, request),
            candidates(following, reached),
            candidates(its_word, ops.where(ops.repeat(asked, width, axis=0), single, NEVER)),
        ]
        log_p, beam, word = (ops.concatenate(part, axis=1) for part in zip(*kinds, strict=True))  # (searches, some)

        some = ops.arange(ops.shape(word)[1], dtype="int32")
        earlier = ops.expand_dims(some, 1) > some  # of candidate i (a row), j (a column) stands before it
        same = ops.logical_and(_pairs(beam), _pairs(word))
        twice = ops.any(ops.logical_and(same, earlier), axis=2)
        log_p = ops.where(twice, NEVER, log_p)

        said = ops.where(
            ops.arange(longest, dtype="int32") == position, ops.expand_dims(word, 2), pick(ids, beam)
        )  # (searches, some, longest)
        each = ops.repeat(phrases, ops.shape(word)[1], axis=0)
        met, _ = progress(ops.reshape(said, (-1, longest)), position + 1, each, self.padding)
        missing = ops.expand_dims(total, 1) - ops.reshape(met, ops.shape(word))  # (searches, some)
        limit = ops.reshape(request.limit, (-1, width))[:, :1]
        stops = ops.logical_or(word == self.end, position + 1 >= limit)
        log_p = ops.where(ops.logical_and(stops, missing > 0), NEVER, log_p)

        higher = ops.expand_dims(log_p, 1) > ops.expand_dims(log_p, 2)
        higher = ops.logical_or(higher, ops.logical_and(_pairs(log_p), earlier))
        turn = ops.sum(ops.cast(ops.logical_and(higher, _pairs(missing)), "int32"), axis=2)  # place in its bank
        order = turn * ops.expand_dims(total + 1, 1) + missing
        order = ops.where(log_p > NEVER / 2, -ops.cast(order, "float32"), NEVER)
        first = ops.top_k(order, 2 * width)[1]
        return pick(log_p, first), pick(beam, first), pick(word, first)


def _pairs(x: Any) -> Any:
    """Whether x_i = x_j: (searches, some) -> (searches, some, some)."""
    return ops.expand_dims(x, 2) == ops.expand_dims(x, 1)
