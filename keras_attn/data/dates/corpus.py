"""The corpus: example i of a split is a pure function of (seed, split, i)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np

from keras_attn.data.dates.casing import Case
from keras_attn.data.dates.forms import forms_by_locale
from keras_attn.data.dates.locales import LOCALES
from keras_attn.data.dates.renderer import LATIN, Renderer, Spans
from keras_attn.data.dates.split import SPLITS, days_of
from keras_attn.errors import UserError

# Random numbers are drawn for a block of examples at once: a generator per example would cost more than all
# else.
_BLOCK = 4096
_RECASED = 0.4  # of the examples in a script with case, half of them lower, half upper
_NATIVE = 0.5  # of the examples in a locale with digits of its own
_EDITED, _EDITED_TWICE = 0.4, 0.1  # of all examples


class DatePair(NamedTuple):
    """One example: NFKC text, its YYYY-MM-DD, and the locale and CLDR pattern it was written by."""

    source: str
    target: str
    locale: str
    form: str
    spans: Spans


@cache
def _renderers(locale: str) -> tuple[Renderer, ...]:
    return tuple(Renderer(form) for form in forms_by_locale()[locale])


@cache
def _days(split: str, without_months: frozenset[int]) -> tuple[date, ...]:
    return tuple(day for day in days_of(split) if day.month not in without_months)


@dataclass(frozen=True)
class Dates:
    """Dates from 1900 to 2099 as written in `LOCALES`, with ISO 8601 as the target.

    Written by CLDR's patterns (through Babel), in the Gregorian calendar, with the year in full. Sampled
    uniformly over (locale, form), a form being a distinct pattern of a locale; the day uniformly over the
    days of the split, which no other split contains. No source means two days, in any locale. 92 locales,
    410 forms, 1,131 distinct characters (Babel 2.18); 58,337 days to train, 7,370 valid, 7,342 test.

    Iterating gives `DatePair`s; `pairs()` is the plain (source, target) that training takes. Example i is a
    pure function of (seed, split, i) and of the options below, so an index may be asked for alone.

    >>> dates = Dates("test", count=3, locales=("fi",), noise=False)
    >>> for source, target in dates.pairs():
    ...     print(source, target)
    19. toukokuuta 1980 1980-05-19
    sunnuntai 12. helmikuuta 1995 1995-02-12
    30. elokuuta 2075 2075-08-30
    >>> pair = dates[0]
    >>> start, end = pair.spans.year
    >>> pair.source[start:end] == pair.target[:4]
    True

    Args:
        split: "train", "valid" or "test".
        count: number of examples; a smaller count is the beginning of a larger one.
        seed: of the examples. Which days a split holds does not depend on it.
        locales: names from `LOCALES`; None for all.
        noise: lower and upper case, native digits and light punctuation noise. False is as Babel prints.
        balanced: equally many examples of each locale (one after the other), for a score per locale.

    Raises:
        UserError: an unknown split or locale, no locale, or a negative count or seed.
    """

    split: str = "train"
    count: int = 300_000
    seed: int = 0
    locales: Sequence[str] | None = None
    noise: bool = True
    balanced: bool = False

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UserError(f"split: expected one of {', '.join(SPLITS)}; got {self.split!r}")
        for name in ("count", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
                raise UserError(f"{name}: expected a whole number from 0 up; got {value!r}")
        if isinstance(self.locales, str):
            raise UserError(f"locales: expected a sequence of names, such as ({self.locales!r},); got a string")
        if not self.names:
            raise UserError("locales: expected one name or more; got none. Leave it out for all locales")
        for name in self.names:
            if name not in LOCALES:
                language = str(name).replace("-", "_").partition("_")[0].lower()
                near = [known for known in LOCALES if known.partition("_")[0] == language]
                hint = f"did you mean {' or '.join(near)}?" if near else f"known: {' '.join(LOCALES)}"
                raise UserError(f"locales: {name!r} is not one of the {len(LOCALES)} known; {hint}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The locales, each once."""
        return LOCALES if self.locales is None else tuple(dict.fromkeys(self.locales))

    @property
    def forms(self) -> tuple[tuple[str, str], ...]:
        """All (locale, pattern) that are sampled from."""
        return tuple((form.locale, form.pattern) for name in self.names for form in forms_by_locale()[name])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> DatePair:
        position = index + self.count if index < 0 else index
        if not 0 <= position < self.count:
            raise IndexError(f"index {index} is outside of {self.count} examples")
        return self._example(
            position, _draws(self.seed, SPLITS.index(self.split), position // _BLOCK)[position % _BLOCK]
        )

    def __iter__(self) -> Iterator[DatePair]:
        for block in range(-(-self.count // _BLOCK)):
            draws = _draws(self.seed, SPLITS.index(self.split), block)
            for position in range(block * _BLOCK, min(self.count, (block + 1) * _BLOCK)):
                yield self._example(position, draws[position % _BLOCK])

    def pairs(self) -> DatePairs:
        """Return the same examples as plain (source, target), to be iterated as often as wanted."""
        return DatePairs(self)

    @cached_property
    def _choices(self) -> tuple[tuple[Renderer, ...], ...]:
        """The forms to choose from, in groups that take turns: one group, or one for each locale."""
        groups = tuple(_renderers(name) for name in self.names)
        return groups if self.balanced else (tuple(chain.from_iterable(groups)),)

    def _example(self, position: int, draws: list[float]) -> DatePair:
        """Write example `position`, its choices made by seven numbers in [0, 1)."""
        which, when, case_draw, digits_draw, edit_draw, first, second = draws
        choices = self._choices
        renderers = choices[position % len(choices)]
        renderer = renderers[int(which * len(renderers))]
        form = renderer.form
        days = _days(self.split, form.ambiguous_months)
        day = days[int(when * len(days))]
        case: Case = "plain"
        digits, dress = LATIN, renderer.plain
        if self.noise:
            if case_draw < _RECASED and len(renderer.cases) > 1:
                recased = renderer.cases[1:]
                case = recased[int(case_draw / _RECASED * len(recased))]
            if digits_draw < _NATIVE:
                digits = renderer.digits[-1]
            for wanted, draw in ((_EDITED, first), (_EDITED_TWICE, second)):
                if edit_draw < wanted and (ways := renderer.edits(dress)):
                    dress = ways[int(draw * len(ways))]
        source, spans = renderer.render(day, case, digits, dress)
        return DatePair(source, day.isoformat(), form.locale, form.pattern, spans)


class DatePairs:
    """A `Dates` seen as (source, target)."""

    def __init__(self, dates: Dates) -> None:
        self.dates = dates

    def __len__(self) -> int:
        return len(self.dates)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for pair in self.dates:
            yield pair.source, pair.target


@lru_cache(maxsize=4)
def _draws(seed: int, split: int, block: int) -> list[list[float]]:
    """Seven numbers in [0, 1) for each example of a block: form, day, case, digits, edits, first, second."""
    return np.random.default_rng((seed, split, block)).random((_BLOCK, 7)).tolist()
