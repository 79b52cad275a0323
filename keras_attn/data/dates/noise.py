"""Light punctuation noise: what people type when nobody proofreads, never touching what a date means.

Every edit changes separators only (spaces, commas, dots, slashes, dashes), which `reading` does not see.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from keras_attn.data.dates.casing import cases
from keras_attn.data.dates.form import Form

_COMMAS = ",،፣"
_COMMA_OF = {"ARABIC": "،", "ETHIOPIC": "፣"}
# Scripts in which nobody ends a date with a full stop, or sets its parts off with a comma.
_UNPUNCTUATED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "ETHIOPIC")
_DATE_SEPARATORS = ("/", "-", ".")


class Dress(NamedTuple):
    """The text between the fields of a form, and whether its month (weekday) gains or loses a final dot."""

    literals: tuple[str, ...]
    month_dot: bool = False
    weekday_dot: bool = False

    def put(self, place: int, *texts: str) -> Dress:
        """Return the same with other literals from `place` on."""
        return self._replace(literals=(*self.literals[:place], *texts, *self.literals[place + len(texts) :]))


def swap_dot(name: str, wide: str | None = None) -> str:
    """Return an abbreviation without its final dot, or with one added if `wide`, the whole name, is longer.

    >>> swap_dot("avr.", "avril"), swap_dot("Apr", "April"), swap_dot("mai", "mai"), swap_dot("เม.ย.")
    ('avr', 'Apr.', 'mai', 'เม.ย.')
    """
    if name.endswith("."):
        return name[:-1] if name.count(".") == 1 else name
    return f"{name}." if wide is not None and len(name) < len(wide) and name[-1].isalpha() else name


def _cased(form: Form) -> bool:
    return bool(form.months) and len(cases(form.locale, form.months[0])) > 1


def swap_months(form: Form) -> tuple[str, ...]:
    """Return the months with final dots swapped; none is added in scripts that do not abbreviate so."""
    if not _cased(form):
        return tuple(map(swap_dot, form.months))
    return tuple(map(swap_dot, form.months, form.wide_months))


def swap_weekdays(form: Form) -> tuple[str, ...]:
    """Return the weekdays without final dots."""
    return tuple(map(swap_dot, form.weekdays))


def edits(form: Form, dress: Dress) -> Iterator[Dress]:
    """Yield every way to disturb the punctuation of a form once more."""
    words = "".join((*form.months, *form.weekdays, *form.literals, "A"))
    script = unicodedata.name(next(filter(str.isalpha, words))).split()[0]
    punctuated = script not in _UNPUNCTUATED and form.locale != "ja"
    yield from _spaces_and_commas(form, dress, _COMMA_OF.get(script, ",") if punctuated else None)
    yield from _dots(form, dress, punctuated)
    yield from _separators(form, dress)


def _spaces_and_commas(form: Form, dress: Dress, comma: str | None) -> Iterator[Dress]:
    last = len(dress.literals) - 1
    for place, literal in enumerate(dress.literals):
        for known in _COMMAS:
            if known in literal:
                yield dress.put(place, literal.replace(known, "") or " ")
        if comma and literal == " " and 0 < place < last and {"E", "y"} & set(form.kinds[place - 1 : place + 1]):
            yield dress.put(place, f"{comma} ")
        if " " in literal and "  " not in literal:
            yield dress.put(place, literal.replace(" ", "  ", 1))


def _dots(form: Form, dress: Dress, punctuated: bool) -> Iterator[Dress]:
    last = len(dress.literals) - 1
    final = {"M": form.months, "E": form.weekdays}.get(form.kinds[-1], ())
    for place, literal in enumerate(dress.literals):
        if ". " in literal:
            yield dress.put(place, literal.replace(". ", " ", 1))
        elif place == last and literal.endswith("."):
            yield dress.put(place, literal[:-1])
    if punctuated and not dress.literals[last] and not dress.month_dot and not any("." in name for name in final):
        yield dress.put(last, ".")
    if not dress.month_dot and swap_months(form) != form.months:
        following = dress.literals[form.kinds.index("M") + 1]
        if not following or following[0] in " ,":
            yield dress._replace(month_dot=True)
    if not dress.weekday_dot and swap_weekdays(form) != form.weekdays:
        yield dress._replace(weekday_dot=True)


def _separators(form: Form, dress: Dress) -> Iterator[Dress]:
    """2021-04-03 as 2021/04/03 or 2021.04.03; 3 Apr 2021 as 3-Apr-2021, 3/Apr/2021 (3.Apr.2021 if cased)."""
    order = "".join(form.kinds)
    first = next((order.index(run) for run in ("yMd", "dMy") if run in order), None)
    if first is None or dress.month_dot or any(mark in month for month in form.months for mark in " .-"):
        return
    before, after = dress.literals[first + 1 : first + 3]
    if before != after:
        return
    separators: tuple[str, ...] = _DATE_SEPARATORS
    if form.months:
        if before != " " or form.weekdays:
            return
        separators = separators[: 3 if _cased(form) else 2]
    elif before not in separators:
        return
    for separator in separators:
        if separator != before:
            yield dress.put(first + 1, separator, separator)
