"""Links between words, and how files write them."""

from __future__ import annotations

import re
from typing import NamedTuple

from keras_attn.errors import UserError

Links = frozenset[tuple[int, int]]
"""(source word, target word), both counted from 0."""

_LINK = re.compile(r"([0-9]+)([-p])([0-9]+)")


class Gold(NamedTuple):
    """What annotators said of a sentence: links that are sure, and all that are possible, the sure ones among them."""

    sure: Links
    possible: Links


def parse_links(line: str) -> Gold:
    """Read one line of links: `i-j` is sure, `ipj` possible only.

    >>> gold = parse_links("0-1 2p0")
    >>> sorted(gold.sure), sorted(gold.possible)
    ([(0, 1)], [(0, 1), (2, 0)])

    Raises:
        UserError: something else is in the line.
    """
    sure, possible = set(), set()
    for word in line.split():
        found = _LINK.fullmatch(word)
        if not found:
            raise UserError(f"line: expected links such as 0-1 (sure) or 0p1 (possible), got {word!r}")
        link = int(found[1]), int(found[3])
        possible.add(link)
        if found[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))
