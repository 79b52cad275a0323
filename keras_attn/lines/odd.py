"""Lines of bytes as text, whatever they are, and a count of what was odd about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

LONGEST_LINE = 100_000  # bytes; what follows is cut before any model sees it
EMPTY, TOO_LONG, NOT_UTF8, FAILED = "empty", "too long (cut)", "not UTF-8", "that the model failed on"


def told(lines: int, bad: Mapping[str, int]) -> str:
    """What was wrong with how many of so many lines; empty if nothing was.

    >>> told(1200, {"not UTF-8": 1, "empty": 0})
    '1,200 lines, of which 1 not UTF-8'
    """
    reasons = [f"{count:,} {reason}" for reason, count in sorted(bad.items()) if count]
    return f"{lines:,} lines, of which {', '.join(reasons)}" if reasons else ""


class OddLines:
    """Read lines and remember how many were bad.

    >>> odd = OddLines()
    >>> odd.read(b"caf\\xe9"), odd.read(b"fine"), odd.report
    ('caf\ufffd', 'fine', '2 lines, of which 1 not UTF-8')
    """

    def __init__(self) -> None:
        self.lines = 0
        self.bad: Counter[str] = Counter()

    def read(self, line: bytes) -> str:
        """A line's text: what is not UTF-8 replaced, what is too long cut."""
        self.lines += 1
        if len(line) > LONGEST_LINE:
            self.count(TOO_LONG)
            # A cut through a character is not the writer's fault: drop the torn bytes, do not count them.
            line = line[:LONGEST_LINE].decode("utf-8", "ignore").encode()
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.count(NOT_UTF8)
            return line.decode("utf-8", "replace")

    def count(self, reason: str) -> None:
        """Remember that a line was bad."""
        self.bad[reason] += 1

    @property
    def report(self) -> str:
        """What was wrong with how many lines; empty if nothing was."""
        return told(self.lines, self.bad)
