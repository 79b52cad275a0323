"""Light punctuation noise: what people type when nobody proofreads, never touching what a date means.

Every edit changes separators only (spaces, commas, dots, slashes, dashes), which `reading` does not see.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from keras_attn.data.dates.form import Form

_COMMAS = ",،፣"
_COMMA_OF = {"ARABIC": "،", "ETHIOPIC": "፣"}
_WITHOUT_PERIOD = ("CJK", "HIRAGANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "ETHIOPIC")
_DATE_SEPARATORS = "/-."


class Dress(NamedTuple):
    """The text between the fields of a form, and whether its month (weekday) gains or loses a final dot."""

    literals: tuple[str, ...]
    month_dot: bool = False
    weekday_dot: bool = False


def swap_dot(name: str, wide: str | None) -> str:
    """Return an abbreviation without its final dot, or with one added if `wide`, the whole name, is longer.

    >>> swap_dot("avr.", "avril"), swap_dot("Apr", "April"), swap_dot("mai", "mai"), swap_dot("เม.ย.", None)
    ('avr', 'Apr.', 'mai', 'เม.ย.')
    """
    if name.endswith("."):
        return name[:-1] if name.count(".") == 1 else name
    return f"{name}." if wide is not None and len(name) < len(wide) and name[-1].isalpha() else name


def edits(form: Form, dress: Dress) -> Iterator[Dress]:
    """Yield every way to disturb the punctuation of a form once more."""
    literals = dress.literals

    def put(place: int, text: str) -> Dress:
        return dress._replace(literals=(*literals[:place], text, *literals[place + 1 :]))

    kinds = [{"L": "M", "c": "E"}.get(field[0], field[0]) for field in form.fields]
    name = next(
        character for text in (*form.months, *form.weekdays, "A") for character in text if character.isalpha()
    )
    script = unicodedata.name(name).split()[0]

    for place, literal in enumerate(literals):
        inside = 0 < place < len(literals) - 1
        for comma in _COMMAS:
            if comma in literal:
                yield put(place, literal.replace(comma, "") or " ")
        if inside and literal == " " and {"E", "y"} & {kinds[place - 1], kinds[place]}:
            yield put(place, f"{_COMMA_OF.get(script, ',')} ")
        if ". " in literal:
            yield put(place, literal.replace(". ", " ", 1))
        if place == len(literals) - 1 and literal.endswith("."):
            yield put(place, literal[:-1])
        if " " in literal and "  " not in literal:
            yield put(place, literal.replace(" ", "  ", 1))

    if script not in _WITHOUT_PERIOD and not literals[-1] and not _dotted(form, kinds[-1]):
        yield put(len(literals) - 1, ".")
    yield from _separators(form, dress, kinds)
    if "M" in kinds and form.months and not dress.month_dot and _dot_fits(form, dress, kinds.index("M")):
        yield dress._replace(month_dot=True)
    if "E" in kinds and not dress.weekday_dot and any(name.endswith(".") for name in form.weekdays):
        yield dress._replace(weekday_dot=True)


def _dotted(form: Form, kind: str) -> bool:
    """Whether the field, taken as the last one, may end in a dot of its own."""
    names = {"M": form.months, "E": form.weekdays}.get(kind, ())
    return any(name.endswith(".") for name in names)


def _dot_fits(form: Form, dress: Dress, place: int) -> bool:
    following = dress.literals[place + 1]
    return form.months != form.wide_months and (not following or following[0] in " ,")


def _separators(form: Form, dress: Dress, kinds: list[str]) -> Iterator[Dress]:
    """2021-04-03 as 2021/04/03 or 2021.04.03; 3 Apr 2021 as 3-Apr-2021, 3/Apr/2021 or 3.Apr.2021."""
    order = "".join(kinds)
    first = next((order.index(run) for run in ("yMd", "dMy") if run in order), None)
    if first is None:
        return
    between = dress.literals[first + 1 : first + 3]
    plain = all(month.isalpha() or unicodedata.category(month[-1]) in ("Mn", "Mc") for month in form.months)
    if between[0] != between[1] or dress.month_dot or not plain:
        return
    if between[0] not in tuple(_DATE_SEPARATORS) and not (form.months and between[0] == " "):
        return
    for separator in _DATE_SEPARATORS:
        if separator != between[0]:
            literals = (*dress.literals[: first + 1], separator, separator, *dress.literals[first + 3 :])
            yield dress._replace(literals=literals)
