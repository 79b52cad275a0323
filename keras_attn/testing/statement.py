"""One thing that a promise compares, and where it does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Statement:
    """Numbers that came beside numbers, or a word, that were promised.

    Args:
        what: which numbers these are.
        wrong: booleans of the shape of `got`.
        got: what came.
        wanted: what was promised: an array of that shape, or words.
    """

    what: str
    wrong: np.ndarray
    got: np.ndarray
    wanted: Any

    @property
    def size(self) -> int:
        """How many numbers were compared."""
        return self.wrong.size

    @property
    def first(self) -> tuple[int, ...] | None:
        """The first index where it is wrong; None if it holds."""
        indices = np.argwhere(self.wrong)
        return tuple(int(i) for i in indices[0]) if len(indices) else None

    def at(self, index: tuple[int, ...]) -> tuple[str, str]:
        """What was promised and what came at an index."""
        wanted = self.wanted if isinstance(self.wanted, str) else _shown(self.wanted[index])
        return wanted, _shown(self.got[index])


def _shown(number: Any) -> str:
    return f"{number:.9g}" if isinstance(number, np.floating | float) else str(number)


def same(what: str, got: Any, wanted: Any, tolerance: float = 0.0) -> Statement:
    """The same numbers, to an absolute and relative `tolerance`; NaN is like nothing."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape:
        return said(f"shape of {what}", got.shape, wanted.shape)
    wide = "complex128" if np.iscomplexobj(got) else "float64"
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        right = np.abs(got.astype(wide) - wanted.astype(wide)) <= tolerance * (1 + np.abs(wanted.astype(wide)))
    return Statement(what, ~right, got, wanted)


def close(what: str, got: Any, wanted: Any, tolerance: float) -> Statement:
    """The same numbers to a `tolerance` relative to the largest: sums of numbers that cancel stay comparable."""
    got, wanted = np.asarray(got, "float64"), np.asarray(wanted, "float64")
    if got.shape != wanted.shape:
        return said(f"shape of {what}", got.shape, wanted.shape)
    with np.errstate(invalid="ignore"):
        right = np.abs(got - wanted) <= tolerance * max(1.0, np.abs(wanted).max(initial=0))
    return Statement(what, ~right, got, wanted)


def holds(what: str, right: Any, got: Any, wanted: str) -> Statement:
    """A property of every number of `got`."""
    right, got = np.broadcast_arrays(right, got)
    return Statement(what, ~right, got, wanted)


def finite(what: str, got: Any) -> Statement:
    """No infinity and no NaN."""
    got = np.asarray(got)
    return holds(what, np.isfinite(got.astype("float64")), got, "a finite number")


def said(what: str, got: object, wanted: object) -> Statement:
    """The same word, shape, dtype or structure."""
    return Statement(what, np.array(got != wanted), np.array(str(got), object), str(wanted))
