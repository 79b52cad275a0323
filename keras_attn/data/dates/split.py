"""Which calendar days belong to training, validation and test."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import cache

SPLITS = ("train", "valid", "test")
SPLIT_SEED = 20260101
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)


def split_of(day: date) -> str:
    """Return the split of a day: SHA-256 of "SPLIT_SEED ISO-date", first 8 bytes modulo 10: 8 valid, 9 test.

    The rule depends on nothing but the day, so no seed, locale or count moves a test day into training.
    """
    digest = hashlib.sha256(f"{SPLIT_SEED} {day.isoformat()}".encode()).digest()
    return {8: "valid", 9: "test"}.get(int.from_bytes(digest[:8], "big") % 10, "train")


@cache
def _days() -> dict[str, tuple[date, ...]]:
    days: dict[str, list[date]] = {split: [] for split in SPLITS}
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        days[split_of(day)].append(day)
    return {split: tuple(members) for split, members in days.items()}


def days_of(split: str) -> tuple[date, ...]:
    """Return all days of a split in order.

    >>> [len(days_of(split)) for split in ("train", "valid", "test")]
    [58337, 7370, 7342]
    """
    return _days()[split]
