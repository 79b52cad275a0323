"""Beam search: the best few beginnings, lengthened together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keras import ops, tree

from keras_attn.decoding.beginning import begin
from keras_attn.decoding.hypotheses import Hypotheses
from keras_attn.decoding.likeliest import NEVER, likeliest, log_total
from keras_attn.decoding.ranking.average_length import AverageLength
from keras_attn.decoding.ranking.coverage_penalty import CoveragePenalty, attention
from keras_attn.decoding.ranking.length_penalty import LengthPenalty
from keras_attn.decoding.request import NOTHING, Request
from keras_attn.decoding.rules.rule import Rule, obey
from keras_attn.decoding.until_finished import until_finished
from keras_attn.errors import UserError, expect


@dataclass(frozen=True)
class Beam:
    """Of all continuations of the `width` likeliest beginnings keep the `width` likeliest.

    A continuation by the end token is an output if it is among the `width` best, and the next best goes on in its
    place; what goes on at the sentence's limit is an output too. A sentence is finished with `width` outputs, or when
    nothing better can come. Outputs are ranked by

        value = length(log p) + coverage

    with log p = sum_i (rules(logits_i))_{y_i} - logsumexp(logits_i), which without rules is the score.

    What can come: no rule raises a score, so log p is at most 0 and falls with every token; a length penalty divides it
    by what grows with length; coverage is at most 0. Hence nothing that comes of a beginning is worth more than
    length(its log p, the limit), and where that is no more than the worst output to be returned, waiting is in vain.

    Args:
        width: number of beginnings kept; 1 is greedy search.
        n_best: how many outputs to return, at most `width`.
        length: `LengthPenalty(alpha)` or `AverageLength()`.
        coverage: `CoveragePenalty(beta)`, or None for none; needs `Request.source_mask`.
        rules, start, end, padding: see `Greedy`.

    Call arguments:
        See `Greedy`.

    Returns:
        `Hypotheses` with n = n_best.

    Source: Graves 2012, "Sequence Transduction with Recurrent Neural Networks", section 2.5; Wu et al. 2016, "Google's
    Neural Machine Translation System", section 7.
    """

    width: int = 5
    n_best: int = 1
    length: LengthPenalty | AverageLength = field(default_factory=LengthPenalty)
    coverage: CoveragePenalty | None = None
    rules: tuple[Rule, ...] = ()
    start: int = 2
    end: int = 3
    padding: int = 0

    def __post_init__(self) -> None:
        expect(self.width >= 1, "width", "at least 1", self.width)
        expect(1 <= self.n_best <= self.width, "n_best", f"1 to width ({self.width})", self.n_best)
        _one_kind("length", self.length, LengthPenalty, AverageLength)
        _one_kind("coverage", self.coverage, CoveragePenalty, type(None))

    def __call__(
        self, step: Callable[[dict], dict], memory: Any, state: Any, max_length: Any, request: Request = NOTHING
    ) -> Hypotheses:
        width = self._beams  # of one search; there may be several for a sentence
        begun = begin(step, memory, state, max_length, request, times=self.width)
        longest = begun.longest
        wanted = min(self.n_best, width)
        column = ops.reshape(ops.arange(longest, dtype="int32"), (1, 1, -1))
        preference = -ops.arange(2 * width, dtype="float32")
        begun_with = ops.expand_dims(ops.arange(width, dtype="int32"), 0)
        if self.coverage is not None:
            expect(request.source_mask is not None, "source_mask", "one in Request, for the coverage penalty", None)

        def limits(fixed: dict) -> Any:
            return ops.reshape(fixed["request"]["limit"], (-1, width))[:, 0]  # (searches,)

        def sources(fixed: dict) -> Any:
            mask = fixed["request"]["source_mask"]
            return ops.reshape(mask, (-1, width, ops.shape(mask)[1]))  # (searches, width, source_length)

        def unfinished(position: Any, ended: dict, going: dict, fixed: dict) -> Any:
            alive, limit = going["alive"], limits(fixed)
            best = ops.max(alive["log_p"], axis=1, initial=-float("inf"))  # (searches,); there may be none
            better = ops.logical_and(self.length(best, limit) > ended["value"][:, wanted - 1], best > NEVER / 2)
            open_ = ops.logical_and(ops.logical_and(position < limit, better), _has_room(ended))
            open_ = ops.any(ops.reshape(open_, (-1, self.width // width)), axis=1)  # (sentences,)
            return ops.logical_and(position < longest, open_)

        def advance(position: Any, ended: dict, going: dict, fixed: dict) -> tuple:
            alive, limit, asked = going["alive"], limits(fixed), Request(**fixed["request"])
            searches = ops.shape(limit)[0]
            told = {"tokens": going["token"], "position": position, "memory": fixed["memory"], "state": going["state"]}
            out = step(told)
            logits = ops.cast(out["logits"][:, 0], "float32")  # (searches * width, vocabulary)
            scores = obey(self.rules, logits, _rows(alive["ids"]), position, asked, self.padding)
            normalizer = ops.reshape(log_total(logits), (-1, width))
            log_p, beam, word = self._continue(scores, alive["log_p"] - normalizer, alive["ids"], position, asked)
            found = {"log_p": log_p, "beam": beam, "word": word}  # (searches, 2 width) each, in order of preference
            if self.rules:
                own = ops.reshape(logits, (searches, -1))  # (searches, width * vocabulary)
                own = ops.take_along_axis(own, beam * logits.shape[-1] + word, axis=1) - pick(normalizer, beam)
                found["score"] = pick(alive["score"], beam) + own
            if self.coverage is not None:
                seen = sources(fixed)
                alive = {**alive, "looked": alive["looked"] + ops.reshape(attention(out), ops.shape(seen))}

            # Those that end here
            stops = ops.logical_or(word == self.end, ops.expand_dims(position + 1 >= limit, 1))
            first = {name: leaf[:, :width] for name, leaf in found.items()}
            value = self.length(first["log_p"], position + 1)
            if self.coverage is not None:
                value = value + pick(self.coverage(alive["looked"], seen), first["beam"])
            may = ops.logical_and(stops[:, :width], first["log_p"] > NEVER / 2)
            may = ops.logical_and(may, ops.expand_dims(ops.logical_and(position < limit, _has_room(ended)), 1))
            value = ops.concatenate([ended["value"], ops.where(may, value, NEVER)], axis=1)
            # Of equals the first: what was found, or the empty ids.
            value, kept = ops.top_k(value, width)  # (searches, width)
            ids = ops.concatenate([ended["ids"], alive["ids"]], axis=1)
            own = ops.broadcast_to(begun_with, (searches, width))
            source = ops.concatenate([own, width + first["beam"]], axis=1)  # where in `ids` each one is from
            # The older get padding where they have it.
            last = ops.concatenate([ops.full_like(own, self.padding), first["word"]], axis=1)
            score = ops.concatenate([ended["score"], first.get("score", first["log_p"])], axis=1)
            ids = ops.where(column == position, ops.expand_dims(pick(last, kept), 2), pick(ids, pick(source, kept)))
            ended = {"value": value, "score": pick(score, kept), "ids": ids}

            # Those that go on
            going = ops.top_k(ops.where(stops, NEVER, preference), width)[1]  # (searches, width)
            beam, word = pick(beam, going), pick(word, going)
            log_p = ops.where(pick(stops, going), NEVER, pick(log_p, going))
            ids = ops.where(column == position, ops.expand_dims(word, 2), pick(alive["ids"], beam))
            looked = {"looked": pick(alive["looked"], beam)} if self.coverage is not None else {}
            score = {"score": pick(found["score"], going)} if self.rules else {}
            alive = {"log_p": log_p, "ids": ids, **score, **looked}
            row = ops.expand_dims(ops.arange(searches, dtype="int32"), 1) * width  # (searches, 1)
            parent = ops.reshape(row + beam, (-1,))  # (searches * width,)
            state = tree.map_structure(lambda leaf: ops.take(leaf, parent, axis=0), out["state"])
            return ended, {"alive": alive, "token": ops.reshape(word, (-1, 1)), "state": state}

        limit = limits(begun.fixed)
        searches = ops.shape(limit)[0]
        empty = ops.full((searches, width, longest), self.padding, dtype="int32")
        zero = ops.zeros((searches, width), dtype="float32")
        is_first = ops.broadcast_to(begun_with == 0, (searches, width))
        alive = {"log_p": ops.where(is_first, zero, NEVER), "ids": empty}  # one beginning, others would be its copies
        if self.rules:
            alive["score"] = zero
        if self.coverage is not None:
            alive["looked"] = ops.zeros_like(sources(begun.fixed), dtype="float32")
        # Where nothing may be put out, nothing is found.
        value = ops.where(ops.logical_and(is_first, ops.expand_dims(limit <= 0, 1)), zero, NEVER)
        ended = {"value": value, "score": zero, "ids": empty}
        token = ops.full((searches * width, 1), self.start, dtype="int32")
        going = {"alive": alive, "token": token, "state": begun.state}
        return self._best(until_finished(unfinished, advance, ended, going, begun.fixed, begun.batch))

    @property
    def _beams(self) -> int:
        return self.width

    def _continue(self, scores: Any, before: Any, ids: Any, position: Any, request: Request) -> tuple[Any, Any, Any]:
        """The best continuations, such that the `width` best, and the `width` best that go on, are among them.

        Of 2 * width at most `width` end, so as many go on. Of one beginning, one continuation ends, so no more than its
        width + 1 best are needed.

        Args:
            scores: (searches * width, vocabulary).
            before: (searches, width), what makes log p of the whole of a score.
            ids: (searches, width, longest).

        Returns:
            log p, beam and word, (searches, 2 width) each, in order of preference.
        """
        width = self._beams
        best, words = likeliest(scores, width + 1, (self.padding, self.start))  # (searches * width, few)
        few = best.shape[-1]
        log_p = ops.expand_dims(before, 2) + ops.reshape(best, (-1, width, few))
        log_p, place = ops.top_k(ops.reshape(log_p, (-1, width * few)), 2 * width)
        word = ops.take_along_axis(ops.reshape(words, (-1, width * few)), place, axis=1)
        return log_p, ops.cast(place // few, "int32"), word

    def _best(self, ended: dict) -> Hypotheses:
        """The `n_best` of all searches for a sentence."""
        searches, width, *_ = ops.shape(ended["ids"])
        sizes = (searches * width // self.width, self.width)
        ended = {name: ops.reshape(leaf, (*sizes, *ops.shape(leaf)[2:])) for name, leaf in ended.items()}
        value, best = ops.top_k(ended["value"], self.n_best)  # (batch, n)
        none = value < NEVER / 2
        score = ops.where(none, -float("inf"), pick(ended["score"], best))
        return Hypotheses(pick(ended["ids"], best), score, ops.where(none, -float("inf"), value))


def pick(x: Any, index: Any) -> Any:
    """x (searches, many, ...), index (searches, few) -> (searches, few, ...)."""
    if len(x.shape) == 2:
        return ops.take_along_axis(x, index, axis=1)
    searches, many, *rest = ops.shape(x)
    row = ops.expand_dims(many * ops.arange(searches, dtype="int32"), 1) + ops.cast(index, "int32")
    return ops.take(ops.reshape(x, (searches * many, *rest)), row, axis=0)


def _rows(x: Any) -> Any:
    searches, width, *rest = ops.shape(x)
    return ops.reshape(x, (searches * width, *rest))


def _has_room(ended: dict) -> Any:
    return ended["value"][:, -1] < NEVER / 2


def _one_kind(name: str, came: Any, *kinds: type) -> None:
    if not isinstance(came, kinds):
        names = " or ".join("None" if kind is type(None) else f"{kind.__name__}(...)" for kind in kinds)
        raise UserError(f"{name}: expected {names}, got {came!r}; the two kinds of penalty have a place of their own")
