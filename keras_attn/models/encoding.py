"""What an encoder hands to a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Encoding:
    """The source, read once.

    Args:
        sequence: annotations h, (batch, source_length, features).
        mask: (batch, source_length) booleans, True where there is a token.
        finals: the last state of each direction of the top layer, (batch, units) each: forward, then backward.
    """

    sequence: Any
    mask: Any
    finals: tuple[Any, ...]
