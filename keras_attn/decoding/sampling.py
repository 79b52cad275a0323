"""Sampling: words drawn from the model's distribution, or from its likely part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_attn.decoding.beginning import begin
from keras_attn.decoding.hypotheses import Hypotheses
from keras_attn.decoding.likeliest import NEVER, barred
from keras_attn.decoding.request import NOTHING, Request
from keras_attn.decoding.rules.rule import Rule
from keras_attn.decoding.truncation import keep_nucleus, keep_top_k, keep_typical
from keras_attn.decoding.word_by_word import word_by_word
from keras_attn.errors import expect

PLACES = 1024  # positions with random numbers of their own


@dataclass(frozen=True)
class Sample:
    """y_i ~ p(y | y_<i, x)^(1 / temperature), n times for each sentence.

    The random numbers are a function of seed, sample and position, not of the sentence's place, so what is drawn for a
    sentence depends on nothing else in the batch. Hence sentences of one call are not independent: two that are equal
    get equal samples.

    Args:
        samples: n, samples for each sentence.
        temperature: below 1 the likely gets likelier, above 1 less so; more than 0.
        top_k: draw among the k likeliest words only (Fan et al. 2018).
        top_p: among the fewest likeliest words with so much probability together (Holtzman et al. 2020).
        typical: among the fewest words nearest to the expected information with so much probability (Meister et al.
            2023). Each takes what the ones before it left, renormalized.
        seed: another seed, other samples.
        rules, start, end, padding: see `Greedy`.

    Call arguments:
        See `Greedy`.

    Returns:
        `Hypotheses`: the samples, the likeliest first; value is score, the log p under the model itself, not under what
        was drawn from.
    """

    samples: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    typical: float | None = None
    seed: int = 0
    rules: tuple[Rule, ...] = ()
    start: int = 2
    end: int = 3
    padding: int = 0

    def __post_init__(self) -> None:
        expect(self.samples >= 1, "samples", "at least 1", self.samples)
        expect(self.temperature > 0, "temperature", "more than 0 (`Greedy` is the limit)", self.temperature)
        expect(self.top_k is None or self.top_k >= 1, "top_k", "at least 1 or None", self.top_k)
        for name in ("top_p", "typical"):
            mass = getattr(self, name)
            expect(mass is None or 0 < mass <= 1, name, "more than 0, at most 1, or None", mass)

    def __call__(
        self, step: Callable[[dict], dict], memory: Any, state: Any, max_length: Any, request: Request = NOTHING
    ) -> Hypotheses:
        begun = begin(step, memory, state, max_length, request, times=self.samples)
        # As many for every call: a draw of another shape may give other numbers.
        random = keras.random.uniform((self.samples, PLACES), dtype="float32", seed=self.seed)

        def draw(scores: Any, position: Any) -> tuple[Any, Any]:
            logits = self.truncated(scores)
            cumulative = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)  # (rows, vocabulary)
            total = cumulative[:, -1:]
            place = ops.expand_dims(position % PLACES, 0)
            sentences = ops.shape(scores)[0] // self.samples  # those that are still there
            drawn = ops.tile(ops.take(random, place, axis=1), [sentences, 1])  # (rows, 1)
            # The first word beyond it. Rounded up it may be the total, but never a word behind that.
            passed = ops.logical_and(cumulative <= drawn * total, cumulative < total)
            word = ops.sum(ops.cast(passed, "int32"), axis=-1, keepdims=True)
            return ops.take_along_axis(logits, word, axis=1), word

        ids, score = word_by_word(step, begun, draw, self.rules, self.start, self.end, self.padding)
        score = ops.reshape(score, (-1, self.samples))
        score, order = ops.top_k(score, self.samples)
        ids = ops.reshape(ids, (begun.batch, self.samples, begun.longest))  # (batch, samples, longest)
        return Hypotheses(ops.take_along_axis(ids, ops.expand_dims(order, 2), axis=1), score, score)

    def truncated(self, scores: Any) -> Any:
        """Logits (rows, vocabulary) to draw from, `NEVER` where a word cannot be drawn."""
        scores = barred(scores, (self.padding, self.start))
        logits = ops.where(scores > NEVER / 2, scores / self.temperature, NEVER)
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = keep_nucleus(logits, self.top_p)
        if self.typical is not None:
            logits = keep_typical(logits, self.typical)
        return logits
