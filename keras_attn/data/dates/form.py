"""One way in which one language writes a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale
from babel.dates import get_day_names, get_era_names, get_month_names, tokenize_pattern

from keras_attn.data.dates.clean import clean

_WIDTHS = {3: "abbreviated", 4: "wide", 5: "narrow", 6: "short"}


def _names(names: Mapping[int, str], keys: range) -> tuple[str, ...]:
    return tuple(clean(names[key]) for key in keys)


@dataclass(frozen=True)
class Form:
    """A CLDR pattern of a locale, cut into fields with literal text around them.

    `literals[0] + fields[0] + literals[1] + ... + fields[-1] + literals[-1]`, the fields being CLDR's names:
    y, d, dd, M, MM, MMM, MMMM, LLL, LLLL (months), E, EEEE, ccc, cccc (weekdays).

    Args:
        locale: CLDR's name of the locale, such as "zh_Hant".
        pattern: the CLDR pattern, such as "d. MMMM y".
        fields, literals: the pattern, cut.
        months: the twelve texts of the month field; empty if it is numeric.
        wide_months: the twelve unabbreviated names, to know an abbreviation by.
        weekdays: the seven texts of the weekday field, Monday first; empty if there is none.
        ambiguous_months: months (1-12) that this form must not write, for another day is written the same.
    """

    locale: str
    pattern: str
    fields: tuple[str, ...]
    literals: tuple[str, ...]
    months: tuple[str, ...] = ()
    wide_months: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    ambiguous_months: frozenset[int] = frozenset()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What each field is: y, M, d or E (weekday)."""
        return tuple({"L": "M", "c": "E"}.get(field[0], field[0]) for field in self.fields)

    @classmethod
    def parse(cls, locale: str, pattern: str) -> Form:
        """Cut a CLDR pattern. The era is a literal: all dates of the corpus are of the common era."""
        cldr = Locale.parse(locale)
        fields: list[str] = []
        literals = [""]
        months: tuple[str, ...] = ()
        wide_months: tuple[str, ...] = ()
        weekdays: tuple[str, ...] = ()
        for _, value in tokenize_pattern(pattern):
            if isinstance(value, str):
                literals[-1] += value
                continue
            letter, length = value
            width: Any = _WIDTHS.get(max(3, length))
            context: Any = "stand-alone" if letter in "Lc" else "format"
            if letter == "G":
                literals[-1] += get_era_names(width, cldr)[1]
                continue
            if letter in "ML" and length >= 3:
                months = _names(get_month_names(width, context, cldr), range(1, 13))
                wide_months = _names(get_month_names("wide", context, cldr), range(1, 13))
            elif letter in "Ec":
                weekdays = _names(get_day_names(width, context, cldr), range(7))
            fields.append(letter * length)
            literals.append("")
        return cls(locale, pattern, tuple(fields), tuple(map(clean, literals)), months, wide_months, weekdays)
