"""A validation set out of training pairs, by a rule that can be written down."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator

from keras_attn.data.pairs import Pair
from keras_attn.errors import UserError


class _Kept:
    """The pairs that are not held out, streamed again at each iteration."""

    def __init__(self, pairs: Iterable[tuple[str, str]], held: frozenset[str]):
        self._pairs, self._held = pairs, held

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (pair for pair in self._pairs if pair[0] not in self._held)


def hold_out(
    pairs: Iterable[tuple[str, str]], *, one_in: int = 20, at_most: int = 2000, seed: int = 0
) -> tuple[Iterable[tuple[str, str]], list[Pair]]:
    """Split off validation pairs: those whose source's BLAKE2 hash, keyed with the seed, is lowest.

    A source with several targets falls on one side as a whole, and the choice does not depend on the order of pairs.

    Args:
        pairs: re-iterable (source, target).
        one_in: hold out one source for so many pairs,
        at_most: but never more sources than this; only they are held in memory.
        seed: another seed, another choice.

    Returns:
        The pairs that are left (re-iterable), and those held out.

    Raises:
        UserError: fewer than two different sources.

    >>> kept, held = hold_out([("a", "1"), ("b", "2"), ("a", "3")], one_in=2)
    >>> {source for source, _ in kept} & {source for source, _ in held}
    set()
    """
    total = sum(1 for _ in pairs)
    count = min(at_most, max(1, total // one_in))
    lowest = _lowest((source for source, _ in pairs), count + 1, str(seed).encode())
    if len(lowest) < 2:
        raise UserError(f"pairs: expected at least two different sources to hold one out, got {len(lowest)}")
    held = frozenset(lowest[: min(count, len(lowest) - 1)])
    return _Kept(pairs, held), [Pair(*pair) for pair in pairs if pair[0] in held]


def _lowest(sources: Iterable[str], count: int, key: bytes) -> list[str]:
    """The `count` different sources of lowest hash, that one first, in memory for so many only."""
    heap: list[tuple[int, str]] = []  # the highest of those kept stands first
    kept: set[str] = set()
    for source in sources:
        if source in kept:
            continue
        rank = -int.from_bytes(
            hashlib.blake2b(source.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
        )
        if len(heap) < count:
            heapq.heappush(heap, (rank, source))
        elif (rank, source) > heap[0]:
            kept.discard(heapq.heappushpop(heap, (rank, source))[1])
        else:
            continue
        kept.add(source)
    return [source for _, source in sorted(heap, reverse=True)]
