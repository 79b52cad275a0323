"""Tokens as labels that a person can read: blanks made visible, no character without a glyph."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

from keras_attn.plots.fonts import choose_fonts

_VISIBLE = {" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥", "\u00a0": "␣", "\u3000": "␣"}
_JOINERS = "\u200c\u200d"


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
    # A joiner inside a word belongs to the word's shape; anything else that cannot be seen is named.
    kept = _JOINERS if any(not _invisible(c) for c in token) else ""
    parts: list[str] = []
    for hidden, group in itertools.groupby(
        token, key=lambda c: c in missing or (_invisible(c) and c != " " and c not in kept)
    ):
        run = list(group)
        if hidden:
            run = [f"{ord(c):04X}" for c in run]
            run = ["U+", "·".join(run) if len(run) <= 4 else "·".join(run[:3]) + "·…"]
        parts += run
    return "".join(parts)


def readable(*groups: Sequence[str], longest: int = 24, blanks: bool = True) -> tuple[list[str], ...]:
    """Return every group of tokens as labels, then the font families (best first) that show them all.

    Args:
        groups: tokens, e.g. the source's and the target's.
        longest: of more characters than this the rest is cut, with an ellipsis.
        blanks: show a space as ␣; False for a title.

    >>> readable(["▁a", " ", ""], ["\\x00"])
    (['▁a', '␣', '∅'], ['U+0000'], ['DejaVu Sans'])
    """
    if not blanks:
        groups = tuple([" ".join(text.split()) for text in group] for group in groups)
    texts = [["".join(_VISIBLE.get(c, c) if blanks else c for c in token) for token in group] for group in groups]
    characters = {c for group in texts for token in group for c in token}
    families, missing = choose_fonts(c for c in characters if not _invisible(c) or c in _JOINERS)
    return *([_show(token, missing, longest) for token in group] for group in texts), families
