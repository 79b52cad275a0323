"""Which of a model's many attention weights are read as its alignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_attn.alignment.links import Links
from keras_attn.alignment.words import hard_links, word_weights
from keras_attn.errors import expect, one_of


class Attention(Protocol):
    """What `export.AttentionReader` says of a pair: tokens, and {layer: (heads, target_length, source_length)}."""

    @property
    def source_tokens(self) -> Sequence[str]: ...
    @property
    def target_tokens(self) -> Sequence[str]: ...
    @property
    def weights(self) -> Mapping[str, np.ndarray]: ...


@dataclass(frozen=True)
class Look:
    """A layer, a head, and a step.

    Args:
        layer: a name among a step's weights, such as "decoder_2".
        head: its number; None for the mean of all.
        shift: steps after that of a token whose weights are read, see `word_weights`.

    Call arguments:
        attention: of one pair, see `Attention`.

    Returns:
        A link for each target word.
    """

    layer: str
    head: int | None = None
    shift: int = 0

    def __post_init__(self) -> None:
        expect(self.shift >= 0, "shift", "at least 0", self.shift)

    def __call__(self, attention: Attention) -> Links:
        one_of("layer", self.layer, attention.weights)
        weights = attention.weights[self.layer]
        heads = len(weights)
        expect(self.head is None or 0 <= self.head < heads, "head", f"None or 0 to {heads - 1}", self.head)
        one = weights.mean(axis=0) if self.head is None else weights[self.head]
        return hard_links(word_weights(one, attention.source_tokens, attention.target_tokens, self.shift))

    def __str__(self) -> str:
        head = "mean of heads" if self.head is None else f"head {self.head}"
        return f"{self.layer}, {head}, shift {self.shift}"


def every_look(attention: Attention, shifts: Sequence[int] = (0, 1)) -> Iterator[Look]:
    """All layers, heads and shifts there are to choose from; of several heads also their mean."""
    for layer, weights in attention.weights.items():
        heads: list[int | None] = [None, *range(len(weights))] if len(weights) > 1 else [0]
        yield from (Look(layer, head, shift) for head in heads for shift in shifts)
