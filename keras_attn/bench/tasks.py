"""Five small tasks on sequences of symbols, each of which asks something else of attention.

All have sources of at most 16 symbols over the same 21 ids (0 padding, 1 unknown, 2 start, 3 end, 4-19 symbols, 20 a
separator), so that one model, compiled once, can be trained on each.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PADDING, START, END, FIRST, SYMBOLS = 0, 2, 3, 4, 16
SEPARATOR = FIRST + SYMBOLS
VOCABULARY = SEPARATOR + 1
LENGTH = 17  # of every source and every target, end token and padding included

Pair = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Task:
    """A task: its name, what it asks for, and how one example is drawn.

    Args:
        name: on the command line and in tables.
        asks: in a few words.
        draw: from a NumPy generator, source and target symbols, without the end token.
    """

    name: str
    asks: str
    draw: Callable[[np.random.Generator], Pair]

    def examples(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Sources and targets (count, 17), int32, with their end tokens and padded; a function of (task, seed)."""
        random = np.random.default_rng([seed, *self.name.encode()])
        pairs = [self.draw(random) for _ in range(count)]
        source, target = ([_row(pair[side]) for pair in pairs] for side in range(2))
        return np.array(source, "int32"), np.array(target, "int32")


def _row(symbols: list[int]) -> list[int]:
    row = [*symbols, END]
    return row + [PADDING] * (LENGTH - len(row))


def _symbols(random: np.random.Generator, low: int, high: int) -> list[int]:
    return random.integers(FIRST, SEPARATOR, random.integers(low, high + 1)).tolist()


def _copy(random: np.random.Generator) -> Pair:
    symbols = _symbols(random, 12, 16)
    return symbols, symbols


def _reverse(random: np.random.Generator) -> Pair:
    symbols = _symbols(random, 12, 16)
    return symbols, symbols[::-1]


def _sort(random: np.random.Generator) -> Pair:
    symbols = _symbols(random, 8, 12)
    return symbols, sorted(symbols)


def _lookup(random: np.random.Generator) -> Pair:
    """`q  a b  c d ...`: a comes before b. What comes after q, what after that, and so on, four times."""
    chain = random.permutation(np.arange(FIRST, SEPARATOR))[:8].tolist()
    links = list(itertools.pairwise(chain))
    random.shuffle(links)
    return [chain[0], *(symbol for link in links for symbol in link)], chain[1:5]


def _swap(random: np.random.Generator) -> Pair:
    """Two phrases of 4 to 7 symbols change places around the separator."""
    first, second = _symbols(random, 4, 7), _symbols(random, 4, 7)
    return [*first, SEPARATOR, *second], [*second, SEPARATOR, *first]


TASKS = {
    task.name: task
    for task in (
        Task("copy", "12 to 16 symbols as they are", _copy),
        Task("reverse", "12 to 16 symbols, last one first", _reverse),
        Task("sort", "8 to 12 symbols in ascending order", _sort),
        Task("lookup", "a symbol and 7 shuffled links a -> b: the next 4 of its chain", _lookup),
        Task("swap", "two phrases of 4 to 7 symbols change places", _swap),
    )
}
