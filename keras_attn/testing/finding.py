"""One place where a promise broke."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was compared, the first index where it is wrong, what was promised there and what came.

    Args:
        what: which numbers, or the error that the layer raised.
        index: None if no numbers came.
        wanted, got: at that index.
    """

    what: str
    index: tuple[int, ...] | None = None
    wanted: str = ""
    got: str = ""

    def __str__(self) -> str:
        if self.index is None:
            return self.what
        where = f" at index {self.index}" if self.index else ""
        return f"{self.what}{where}: expected {self.wanted}, got {self.got}"
