"""One way in which one language writes a date."""

from __future__ import annotations

from dataclasses import dataclass

from babel import Locale
from babel.dates import get_day_names, get_era_names, get_month_names, tokenize_pattern

from keras_attn.data.dates.clean import clean

_WIDTHS = {3: "abbreviated", 4: "wide", 5: "narrow", 6: "short"}


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

    @classmethod
    def parse(cls, locale: str, pattern: str) -> Form:
        """Cut a CLDR pattern. The era is a literal: all dates of the corpus are of the common era."""
        cldr = Locale.parse(locale)
        fields: list[str] = []
        literals = [""]
        months: tuple[str, ...] = ()
        wide_months: tuple[str, ...] = ()
        weekdays: tuple[str, ...] = ()
        for kind, value in tokenize_pattern(pattern):
            if kind == "chars":
                literals[-1] += value
                continue
            letter, length = value
            if letter == "G":
                literals[-1] += get_era_names(_WIDTHS[max(3, length)], cldr)[1]
                continue
            context = "stand-alone" if letter in "Lc" else "format"
            if letter in "ML" and length >= 3:
                names = get_month_names(_WIDTHS[length], context, cldr)
                months = tuple(clean(names[month]) for month in range(1, 13))
                names = get_month_names("wide", context, cldr)
                wide_months = tuple(clean(names[month]) for month in range(1, 13))
            elif letter in "Ec":
                names = get_day_names(_WIDTHS[max(3, length)], context, cldr)
                weekdays = tuple(clean(names[day]) for day in range(7))
            fields.append(letter * length)
            literals.append("")
        return cls(locale, pattern, tuple(fields), tuple(map(clean, literals)), months, wide_months, weekdays)
