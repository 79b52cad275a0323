"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.beginning import begin
from keras_attn.decoding.hypotheses import Hypotheses
from keras_attn.decoding.likeliest import likeliest
from keras_attn.decoding.request import NOTHING, Request
from keras_attn.decoding.rules.rule import Rule
from keras_attn.decoding.word_by_word import word_by_word


@dataclass(frozen=True)
class Greedy:
    """y_i = argmax p(y | y_<i, x), until the end token or the sentence's own limit.

    Args:
        rules: what the output must be like, see `Rule`; asked in this order.
        start, end, padding: the ids of these three tokens. Start and padding are never put out.
        scored: whether to give scores. Without, each step has one pass less over all words, and scores are 0, and
            minus infinity where rules leave nothing.

    Call arguments:
        step: takes a dict of tokens (batch, 1), position (), memory, state; returns a dict with logits
            (batch, 1, vocabulary), the new state and attention weights. A wider search asks it with several rows for
            each sentence, one after the other, and repeats the memory likewise, unless `step.shares_memory` is set.
        memory, state: nested dicts and lists of tensors with the batch first.
        max_length: the most tokens to put out, the end token included: an int, or one int per sentence (batch,). With
            one per sentence a result does not depend on what else is in the batch.
        request: what else is wanted of each sentence.

    Returns:
        `Hypotheses` with n = 1; value is score.
    """

    rules: tuple[Rule, ...] = ()
    start: int = 2
    end: int = 3
    padding: int = 0
    scored: bool = True

    def __call__(
        self, step: Callable[[dict], dict], memory: Any, state: Any, max_length: Any, request: Request = NOTHING
    ) -> Hypotheses:
        def best(scores: Any, position: Any) -> tuple[Any, Any]:
            return likeliest(scores, 1, (self.padding, self.start))

        begun = begin(step, memory, state, max_length, request, times=1)
        tokens = (self.start, self.end, self.padding)
        ids, score = word_by_word(step, begun, best, self.rules, *tokens, scored=self.scored)
        score = ops.expand_dims(score, 1)  # (batch, 1)
        return Hypotheses(ops.expand_dims(ids, 1), score, score)
