"""Words that are never said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras_attn.decoding.likeliest import barred
from keras_attn.decoding.request import Request
from keras_attn.errors import expect


@dataclass(frozen=True)
class SuppressTokens:
    """These ids are not put out. Padding and start never are, rule or none.

    Args:
        ids: such as 1, the unknown word.
    """

    ids: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        expect(all(token >= 0 for token in self.ids), "ids", "ids of at least 0", self.ids)

    def __call__(self, scores: Any, ids: Any, position: Any, request: Request) -> Any:
        return barred(scores, self.ids)
