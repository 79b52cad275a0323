"""A form in one case, ready to print dates fast: every name cased and every punctuation listed beforehand."""

from __future__ import annotations

from datetime import date
from functools import cache, cached_property
from typing import NamedTuple

from keras_attn.data.dates.casing import Case, cases, recase
from keras_attn.data.dates.form import Form
from keras_attn.data.dates.locales import native_digits
from keras_attn.data.dates.noise import Dress, edits, swap_months, swap_weekdays

LATIN = "0123456789"


class Spans(NamedTuple):
    """Where year, month and day stand: (start, end) in code points, as `source[start:end]` takes them."""

    year: tuple[int, int]
    month: tuple[int, int]
    day: tuple[int, int]


@cache
def _numbers(digits: str, width: int) -> tuple[str, ...]:
    """Numbers 0-31 (days and months) in the given digits."""
    table = str.maketrans(LATIN, digits)
    return tuple(f"{number:0{width}d}".translate(table) for number in range(32))


@cache
def _years(digits: str) -> dict[int, str]:
    table = str.maketrans(LATIN, digits)
    return {year: str(year).translate(table) for year in range(1900, 2100)}


class Renderer:
    """Prints dates in one form.

    Args:
        form: what to print.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.digits = (LATIN,) if (native := native_digits(form.locale)) is None else (LATIN, native)
        self.plain = Dress(form.literals)
        self._edits: dict[Dress, tuple[Dress, ...]] = {}
        self._names: dict[tuple[Case, bool, bool], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._cased: dict[tuple[str, Case], str] = {}
        self._kinds = form.kinds

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The cases to choose from; one alone where there is nothing to change."""
        form = self.form
        words = "".join((*form.months, *form.weekdays, *form.literals))
        return cases(form.locale, words) if any(map(str.isalpha, words)) else ("plain",)

    def edits(self, dress: Dress) -> tuple[Dress, ...]:
        """Return every way to disturb the punctuation once more."""
        if dress not in self._edits:
            self._edits[dress] = tuple(dict.fromkeys(edits(self.form, dress)))
        return self._edits[dress]

    def render(
        self, day: date, case: Case = "plain", digits: str = LATIN, dress: Dress | None = None
    ) -> tuple[str, Spans]:
        """Return the date as text and its spans, known from writing field by field, not from a search."""
        dress = dress or self.plain
        months, weekdays = self._names_in(case, dress.month_dot, dress.weekday_dot)
        text = self._literal(dress.literals[0], case)
        spans = {}
        for kind, field, literal in zip(self._kinds, self.form.fields, dress.literals[1:], strict=True):
            start = len(text)
            if kind == "y":
                text += _years(digits)[day.year]
            elif kind == "d":
                text += _numbers(digits, len(field))[day.day]
            elif kind == "E":
                text += weekdays[day.weekday()]
            else:
                text += months[day.month - 1] if months else _numbers(digits, len(field))[day.month]
            spans[kind] = (start, len(text))
            text += self._literal(literal, case)
        return text, Spans(spans["y"], spans["M"], spans["d"])

    def _literal(self, text: str, case: Case) -> str:
        if case == "plain":
            return text
        key = (text, case)
        if key not in self._cased:
            self._cased[key] = recase(text, case, self.form.locale)
        return self._cased[key]

    def _names_in(self, case: Case, month_dot: bool, weekday_dot: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        key = (case, month_dot, weekday_dot)
        if key not in self._names:
            form = self.form
            months = swap_months(form) if month_dot else form.months
            weekdays = swap_weekdays(form) if weekday_dot else form.weekdays
            self._names[key] = (
                tuple(recase(name, case, form.locale) for name in months),
                tuple(recase(name, case, form.locale) for name in weekdays),
            )
        return self._names[key]
