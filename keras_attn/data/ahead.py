"""What is needed next is made while the present one is used."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Made = TypeVar("Made")

KEPT = 4  # two places that are read, and what follows each


class Ahead(Generic[Made]):
    """A function of 0, 1, 2, ... that remembers the last few values and makes the next one in the background.

    >>> square = Ahead(lambda number: number * number)
    >>> square(3), square(4)
    (9, 16)
    """

    def __init__(self, make: Callable[[int], Made]):
        self._make = make
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1)
        self._made: dict[int, Future[Made]] = {}  # last used last

    def __call__(self, number: int) -> Made:
        """Return `make(number)`, and begin with `make(number + 1)`."""
        with self._lock:
            for wanted in (number, number + 1):
                known = self._made.pop(wanted, None)
                self._made[wanted] = self._thread.submit(self._make, wanted) if known is None else known
            while len(self._made) > KEPT:
                self._made.pop(next(iter(self._made)))
            present = self._made[number]
        return present.result()
