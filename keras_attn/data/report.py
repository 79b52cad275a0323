"""What became of the records of a corpus."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Report:
    """Counts of one pass over a corpus: records, and how many references the kept ones have beyond one for each."""

    read: int = 0
    kept: int = 0
    empty: int = 0
    too_long: int = 0
    invalid_utf8: int = 0
    missing_column: int = 0
    further: int = 0

    def __str__(self) -> str:
        reasons = {
            "with an empty side": self.empty,
            "too long": self.too_long,
            "with invalid UTF-8": self.invalid_utf8,
            "with too few columns": self.missing_column,
        }
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
        further = f" with {self.further:,} further references" if self.further else ""
        kept = f"{self.read:,} records read, {self.kept:,} kept{further}"
        return f"{kept}; skipped: {skipped}" if skipped else kept
