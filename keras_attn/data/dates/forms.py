"""All forms of all locales, without those that two readers could read as two days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import groupby

from babel import Locale

from keras_attn.data.dates.clean import reading
from keras_attn.data.dates.form import Form
from keras_attn.data.dates.locales import LOCALES

# A form that may write fewer months than this is dropped as a whole.
_FEWEST_MONTHS = 9


def patterns(locale: str) -> list[str]:
    """Return the CLDR patterns of whole dates (year, month, day, perhaps weekday) of a locale, each once."""
    cldr = Locale.parse(locale)
    found = [cldr.date_formats[width].pattern for width in ("short", "medium", "long", "full")]
    for skeleton, pattern in cldr.datetime_skeletons.items():
        if set("yd") < set(skeleton) <= set("yMLdEc"):
            found.append(pattern.pattern)
    return list(dict.fromkeys(found))


def _readable(form: Form) -> bool:
    """Whether the year is in full and the month cannot be the day: it is a word, or the order is y M d."""
    kinds = "".join(form.kinds)
    if sorted(kinds.replace("E", "")) != ["M", "d", "y"] or "yy" in form.fields:
        return False
    if any(" ," in literal for literal in form.literals):
        return False  # a slip in CLDR's Yoruba
    if len(set(form.months)) not in (0, 12) or any("M0" in month for month in form.months):
        return False  # CLDR's placeholder "M04", or two months of one name
    is_word = bool(form.months) and all(any(map(str.isalpha, month)) for month in form.months)
    return is_word or "yMd" in kinds


def _readings(form: Form) -> Iterator[tuple[str, int]]:
    """Yield (what is read, month), with `#` for the day and `Y` for the year: numbers of a known size."""
    for month in range(1, 13):
        for weekday in form.weekdays or ("",):
            texts = {
                "y": "#Y",
                "d": "#D",
                "M": form.months[month - 1] if form.months else str(month),
                "E": weekday,
            }
            text = form.literals[0]
            for kind, literal in zip(form.kinds, form.literals[1:], strict=True):
                text += texts[kind] + literal
            yield reading(text), month


def _leave_out_ambiguous(forms: Iterable[Form]) -> list[Form]:
    forms = list(forms)
    read = [list(_readings(form)) for form in forms]
    months_of = defaultdict(set)
    for readings in read:
        for text, month in readings:
            months_of[text].add(month)
    kept = []
    for form, readings in zip(forms, read, strict=True):
        ambiguous = frozenset(month for text, month in readings if len(months_of[text]) > 1)
        if 12 - len(ambiguous) >= _FEWEST_MONTHS:
            kept.append(replace(form, ambiguous_months=ambiguous))
    return kept


def _leave_out_twins(forms: Iterable[Form]) -> Iterator[Form]:
    """Keep one of the forms that print the same whatever the day (an "abbreviated" month is often whole)."""
    seen = set()
    for form in forms:
        named = "EM" if form.months else "E"
        fields = tuple(kind if kind in named else form.fields[place] for place, kind in enumerate(form.kinds))
        looks = (form.locale, fields, form.literals, form.months, form.weekdays)
        if looks not in seen:
            seen.add(looks)
            yield form


@cache
def all_forms() -> tuple[Form, ...]:
    """Return the forms of all `LOCALES`, in their order. A reading means one day over all of them.

    This never depends on which locales someone trains on: what is left out for one is left out for all.
    """
    parsed = (Form.parse(locale, pattern) for locale in LOCALES for pattern in patterns(locale))
    return tuple(_leave_out_ambiguous(_leave_out_twins(filter(_readable, parsed))))


@cache
def forms_by_locale() -> dict[str, tuple[Form, ...]]:
    """Return the same forms, by locale."""
    return {locale: tuple(group) for locale, group in groupby(all_forms(), key=lambda form: form.locale)}
