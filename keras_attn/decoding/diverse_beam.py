"""Beam search in groups that keep away from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.beam import Beam, pick
from keras_attn.decoding.likeliest import likeliest
from keras_attn.decoding.request import Request
from keras_attn.errors import expect


@dataclass(frozen=True)
class DiverseBeam(Beam):
    """`groups` beam searches of width / groups beams; each prefers words that those before it do not say now.

    Group g takes, at each step, the continuations Y of the highest

        log p(Y) - strength * sum_{h < g} (how many beams of group h take the same word at this step)

    (Hamming diversity). The penalty decides who goes on; log p, and with it score and value, are without it. The
    outputs of all groups are ranked together; what two of them find stands there twice.

    Args:
        groups: number of groups, divides `width`; 1 is `Beam`.
        strength: lambda, at least 0; 0 gives each group the same.
        others: see `Beam`.

    Source: Vijayakumar et al. 2018, "Diverse Beam Search", eq. 5 and algorithm 1, section 4.2.
    """

    groups: int = 5
    strength: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        divides = self.groups >= 1 and self.width % self.groups == 0
        expect(divides, "groups", f"a divisor of width ({self.width})", self.groups)
        # To say what others say would make it likelier than it is.
        expect(self.strength >= 0, "strength", "at least 0", self.strength)

    @property
    def _beams(self) -> int:
        return self.width // self.groups

    def _continue(self, scores: Any, before: Any, ids: Any, position: Any, request: Request) -> tuple[Any, Any, Any]:
        width, groups = self._beams, self.groups
        # All other groups together push at most width * (groups - 1) words of a row back.
        best, words = likeliest(scores, 2 * width + width * (groups - 1), (self.padding, self.start))
        few = best.shape[-1]
        log_p = ops.expand_dims(before, 2) + ops.reshape(best, (-1, width, few))
        log_p = ops.reshape(log_p, (-1, groups, width * few))
        words = ops.reshape(words, (-1, groups, width * few))
        chosen: list[Any] = []
        taken = None  # (batch, beams of the groups before), their words
        for group in range(groups):
            objective, word = log_p[:, group], words[:, group]
            if taken is not None:
                same = ops.expand_dims(word, 2) == ops.expand_dims(taken, 1)
                objective = objective - self.strength * ops.sum(ops.cast(same, "float32"), axis=2)
            place = ops.top_k(objective, 2 * width)[1]  # (batch, 2 width)
            word = pick(word, place)
            chosen.append((pick(log_p[:, group], place), ops.cast(place // few, "int32"), word))
            now = word[:, :width]
            taken = now if taken is None else ops.concatenate([taken, now], axis=1)
        together = (ops.stack(part, axis=1) for part in zip(*chosen, strict=True))  # (batch, groups, 2 width)
        log_p, beam, word = (ops.reshape(part, (-1, 2 * width)) for part in together)
        return log_p, beam, word
