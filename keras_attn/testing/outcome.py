"""What became of one promise of one layer or model."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """A verdict, and where a promise broke first.

    Args:
        name: the layer's or model's.
        promise: the promise's name.
        verdict: "held", "broken", or "-": it does not apply.
        what: what was compared when it broke, or why it does not apply.
        index: the first index where it broke; None if no numbers came.
        wanted, got: there.
        error: what the layer raised.
    """

    name: str
    promise: str
    verdict: str
    what: str = ""
    index: tuple[int, ...] | None = None
    wanted: str = ""
    got: str = ""
    error: Exception | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.verdict != "broken":
            return f"{self.name}: {self.promise}: {self.verdict} ({self.what})"
        where = "" if self.index in (None, ()) else f" at index {self.index}"
        came = "" if self.error else f"{where}: expected {self.wanted}, got {self.got}"
        return f"{self.name}: {self.promise}: {self.what}{came}"
