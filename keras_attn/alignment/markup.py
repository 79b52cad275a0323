"""Text with tags in it: what is plain text, and which of its words stand in which tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_attn.errors import UserError

TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w:.-]*)(?:\s[^<>]*?)?(?P<alone>/?)>")
PLACEHOLDER = re.compile(r"\{[^{}\s]*\}")
WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Tag:
    """A pair of tags, or a tag of its own.

    Args:
        opening, closing: as they were written; closing is "" of a tag of its own.
        first, behind: the words first, ..., behind - 1 stand in it, if only with some of their letters. There are none
            if the two are equal; it stands before that word then.
        inside: places of the tags around it among the text's tags, the outermost first.
    """

    opening: str
    closing: str
    first: int
    behind: int
    inside: tuple[int, ...] = ()


def read_marks(text: str) -> tuple[str, list[Tag]]:
    """Take the tags out of a text; nothing is put in their place.

    >>> plain, tags = read_marks('<b>a big</b> dog<br/>')
    >>> plain, [(tag.opening, tag.first, tag.behind) for tag in tags]
    ('a big dog', [('<b>', 0, 2), ('<br/>', 3, 3)])

    Args:
        text: with tags `<b>`, `</b>`, `<a href="x">`, `<br/>`; another `<` is text. A tag that is never closed, such as
            `<br>`, stands for itself.

    Returns:
        The plain text; its tags in the order in which they open.

    Raises:
        UserError: a tag is closed that was not open there.
    """
    plain, read = "", 0
    names: list[str] = []
    parts: list[list[Any]] = []  # opening, closing, the letters that it begins and ends at, the tags around it
    opened: list[int] = []
    for tag in TAG.finditer(text):
        plain, read = plain + text[read : tag.start()], tag.end()
        if not tag["end"]:
            if not tag["alone"]:
                opened.append(len(parts))
            names.append(tag["name"])
            parts.append([tag[0], "", len(plain), len(plain), ()])
            continue
        same = [place for place, number in enumerate(opened) if names[number] == tag["name"]]
        if not same:
            raise UserError(f"text: expected {tag[0]} behind a tag that it closes; got {text[: tag.end()][-60:]!r}")
        closed = opened[same[-1]]
        del opened[same[-1] :]  # what opened since then is never closed
        parts[closed][1], parts[closed][3] = tag[0], len(plain)
        for part in parts[closed + 1 :]:
            part[4] = (closed, *part[4])
    plain += text[read:]
    spans = [word.span() for word in WORD.finditer(plain)]
    return plain, [Tag(first, last, *_words(spans, start, end), around) for first, last, start, end, around in parts]


def _words(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Which words have letters among those from `start` to `end`; if none, those that begin before `start` twice."""
    within = [place for place, (first, behind) in enumerate(spans) if first < end and behind > start]
    if start < end and within:
        return within[0], within[-1] + 1
    before = sum(first < start for first, _ in spans)
    return before, before
