"""Which installed fonts together can show a text, and which of its characters none of them can."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties, findfont, get_font

# Tried first, since a machine may hold hundreds of fonts and opening one costs milliseconds: these are made
# to cover many scripts.
_BROAD = (
    "noto sans",
    "noto",
    "source han",
    "wenquanyi",
    "droid sans",
    "arial unicode",
    "unifont",
    "free",
    "pingfang",
)

# Fonts that "have" glyphs which are no letters to read: a box per script, or mathematics at private places.
_UNREADABLE = ("last resort", "stix", "cm", "dejavu math", "adobe blank")


@functools.cache
def _covered(family: str) -> frozenset[int]:
    """Return the code points that matplotlib can draw with a family, in its regular face."""
    try:
        font = get_font(findfont(FontProperties(family=[family]), fallback_to_default=False))
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except Exception:  # a damaged or bitmap-only font on someone's machine is simply of no use here
        return frozenset()


def _other_families() -> list[str]:
    # A family without an upright regular face would make matplotlib log a complaint for every label.
    names = {
        entry.name
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
    }
    names = {name for name in names if not name.lower().startswith(_UNREADABLE)}

    def rank(name: str) -> tuple[int, str]:
        lower = name.lower()
        return next((i for i, start in enumerate(_BROAD) if lower.startswith(start)), len(_BROAD)), lower

    return sorted(names, key=rank)


def choose_fonts(characters: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return font families that show the characters, best first, and the characters that none has.

    DejaVu Sans, which comes with matplotlib, is always first. A font added with
    `matplotlib.font_manager.fontManager.addfont(path)` is found from then on.

    >>> choose_fonts("Aж")
    (['DejaVu Sans'], set())
    """
    families = ["DejaVu Sans"]
    missing = {c for c in set(characters) if ord(c) not in _covered("DejaVu Sans")}
    if missing:
        for family in _other_families():
            found = {c for c in missing if ord(c) in _covered(family)}
            if found:
                families.append(family)
                missing -= found
            if not missing:
                break
    return families, missing
