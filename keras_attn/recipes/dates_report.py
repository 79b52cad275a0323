"""What a date reader got right, by locale, and where it looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from keras_attn.data.dates import DatePair

YEAR_DIGITS = (2, 3)  # of YYYY-MM-DD: the last two, which no guess from the century gets right


@dataclass(frozen=True)
class Sample:
    """One decoded date."""

    locale: str
    source: str
    target: str
    output: str


@dataclass(frozen=True)
class DatesReport:
    """Scores in percent.

    Args:
        exact_match: mean over locales of the share of exact matches.
        by_locale: the share of each.
        year_argmax: share of the last two year digits for which the largest weight lies in the source's year.
        year_mass: mean weight inside the source's year, for the same digits.
        year_offset: how often the largest weight lies so many characters before (-) or after (+) the source digit that
            is written, over sources whose year is four digits.
        samples: a handful of decoded dates.
    """

    exact_match: float
    by_locale: dict[str, float]
    year_argmax: float
    year_mass: float
    year_offset: dict[int, float]
    samples: list[Sample]

    @property
    def worst(self) -> tuple[str, float]:
        """The locale with the lowest share, and that share."""
        return min(self.by_locale.items(), key=lambda item: item[1])

    def as_dict(self) -> dict[str, Any]:
        """What report.json keeps."""
        rest = {name: getattr(self, name) for name in ("exact_match", "year_argmax", "year_mass", "year_offset")}
        return {**rest, "worst_locale": list(self.worst), "by_locale": self.by_locale}

    def table(self) -> Table:
        """A handful of decoded dates."""
        table = Table("locale", "written", "read as", "right")
        for sample in self.samples:
            table.add_row(
                sample.locale, sample.source, sample.output, "yes" if sample.output == sample.target else sample.target
            )
        return table

    def __str__(self) -> str:
        name, share = self.worst
        offsets = ", ".join(f"{offset:+d}: {share:.1f} %" for offset, share in self.year_offset.items())
        return (
            f"exact match on dates of unseen days, mean over {len(self.by_locale)} locales: {self.exact_match:.2f} %; "
            f"lowest: {name} {share:.2f} %\n"
            f"attention for the last two digits of the year: largest weight inside the written year in "
            f"{self.year_argmax:.1f} %, weight inside it {self.year_mass:.1f} % "
            f"(characters from the digit that is written: {offsets})"
        )


def report(module: Any, pairs: Sequence[DatePair]) -> DatesReport:
    """Decode `pairs` with a `TextToText` and look at its attention.

    Args:
        module: has `__call__` and `align`.
        pairs: test dates, with their spans.
    """
    alignments = module.align([pair.source for pair in pairs])
    right = defaultdict(list)
    for pair, alignment in zip(pairs, alignments, strict=True):
        right[pair.locale].append(alignment.text == pair.target)
    by_locale = {locale: 100 * float(np.mean(found)) for locale, found in sorted(right.items())}
    inside, mass, offsets = _year_attention(pairs, alignments)
    step = max(1, len(pairs) // 12)
    samples = [
        Sample(pair.locale, pair.source, pair.target, alignment.text)
        for pair, alignment in list(zip(pairs, alignments, strict=True))[::step][:12]
    ]
    return DatesReport(float(np.mean(list(by_locale.values()))), by_locale, inside, mass, offsets, samples)


def _year_attention(pairs: Sequence[DatePair], alignments: Sequence[Any]) -> tuple[float, float, dict[int, float]]:
    inside, mass = [], []
    offsets: dict[int, int] = defaultdict(int)
    for pair, alignment in zip(pairs, alignments, strict=True):
        place = {start: token for token, start in enumerate(_starts(alignment.source_tokens))}
        first, last = pair.spans.year
        year = [place[index] for index in range(first, last) if index in place]
        rows = {digit: token for token, digit in enumerate(_starts(alignment.target_tokens))}
        for digit in YEAR_DIGITS:
            if digit not in rows or digit >= len(alignment.text) or not year:  # behind the text stands the end
                inside.append(False)
                mass.append(0.0)
                continue
            weights = alignment.weights[rows[digit]]
            best = int(np.argmax(weights))
            inside.append(best in year)
            mass.append(float(weights[year].sum()))
            if len(year) == 4:
                offsets[best - year[digit]] += 1
    total = max(1, sum(offsets.values()))
    common = sorted(offsets, key=lambda offset: -offsets[offset])[:3]
    shares = {offset: 100 * offsets[offset] / total for offset in common}
    return 100 * float(np.mean(inside)), 100 * float(np.mean(mass)), shares


def _starts(tokens: Sequence[str]) -> list[int]:
    """At which character of the text each token starts; SentencePiece's own first blank is before the text."""
    starts, position = [], -1 if tokens and tokens[0].startswith("▁") else 0
    for token in tokens:
        starts.append(position)
        position += 1 if token.startswith("<") and token.endswith(">") else len(token)
    return starts
