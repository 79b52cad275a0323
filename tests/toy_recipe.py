"""A recipe that learns nothing: what the command line makes of its fields."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from keras_attn.errors import UserError


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The encoder's sizes."""

    units: int = 256
    bidirectional: bool = True


@dataclasses.dataclass(frozen=True)
class Toy:
    """Learn to shout.

    keras-attn train toy --corpus words.tsv
    """

    corpus: Path
    """Pairs, one a line."""
    output: Path = Path("runs/toy")
    encoder: Encoder = Encoder()
    rate: float = 0.1

    def train(self) -> None:
        if self.rate < 0:
            raise UserError("rate: expected a positive number,\ngot a negative one")
        print(self)
