"""Tokens as labels that a person can read: blanks made visible, no character without a glyph."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

from keras_attn.plots.fonts import choose_fonts

_VISIBLE = {" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥", "\u00a0": "␣", "\u3000": "␣"}


def _hex(character: str) -> str:
    return f"{ord(character):04X}"


def _invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")


def _show(token: str, missing: set[str], longest: int) -> str:
    """Return one token's label; a run of characters that cannot be shown becomes `U+4F60·597D`."""
    if not token:
        return "∅"
    if len(token) > longest:
        token = token[: longest - 1] + "…"
    if unicodedata.category(token[0]).startswith("M"):
        token = "◌" + token  # a combining mark alone would sit on the neighbor or on nothing
    joined = any(not _invisible(c) for c in token)
    parts: list[str] = []
    for hidden, group in itertools.groupby(
        "".join(_VISIBLE.get(c, c) for c in token),
        # A joiner inside a word belongs to the word's shape; anywhere else what cannot be seen is named.
        key=lambda c: c in missing or (_invisible(c) and not (joined and c in "\u200c\u200d")),
    ):
        run = list(group)
        parts.append("U+" + "·".join(map(_hex, run)) if hidden else "".join(run))
    return "".join(parts)


def readable(*groups: Sequence[str], longest: int = 24) -> tuple[list[list[str]], list[str]]:
    """Return every group of tokens as labels, and the font families (best first) that show them all.

    Args:
        groups: tokens, e.g. the source's and the target's.
        longest: more characters than this are cut, with an ellipsis.

    >>> readable(["▁a", " ", ""], ["\\x00"])
    ([['▁a', '␣', '∅'], ['U+0000']], ['DejaVu Sans'])
    """
    texts = [[token if isinstance(token, str) else str(token) for token in group] for group in groups]
    characters = {c for group in texts for token in group for c in token}
    visible = {_VISIBLE.get(c, c) for c in characters}
    families, missing = choose_fonts(c for c in visible if not _invisible(c) or c in "\u200c\u200d")
    return [[_show(token, missing, longest) for token in group] for group in texts], families
