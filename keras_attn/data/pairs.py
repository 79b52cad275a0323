"""Pairs of text from files or from memory, streamed."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from keras_attn.data.lines import read_lines
from keras_attn.data.records import Bad, Records, Row, from_memory, from_parallel, from_table
from keras_attn.data.report import Report
from keras_attn.errors import UserError


class Pair(NamedTuple):
    """A source text and one target text."""

    source: str
    target: str


class Pairs:
    """A corpus that can be gone through again and again without being held in memory; see `read_pairs`.

    Iterating gives a `Pair` for each (source, reference).
    """

    def __init__(self, records: Records, *, name: str, on_bad: str = "skip", group: bool = False):
        self._records = records
        self._on_bad = on_bad
        self._group = group
        self._report: Report | None = None
        self._length: int | None = None
        self.name = name

    def __iter__(self) -> Iterator[Pair]:
        for row in self._rows():
            for target in row.targets:
                yield Pair(row.source, target)

    def __len__(self) -> int:
        if self._length is None:
            self._count()
        assert self._length is not None
        return self._length

    def __repr__(self) -> str:
        return f"Pairs({self.name!r})"

    @property
    def report(self) -> Report:
        """What was kept and what was not, and why; counted on the first full pass."""
        if self._report is None:
            self._count()
        assert self._report is not None
        return dataclasses.replace(self._report)

    def take(self, count: int) -> Pairs:
        """Return the first `count` usable records (lines) as a corpus of their own, streamed as well."""
        if count < 0:
            raise UserError(f"count: expected 0 or more, got {count}")

        def records() -> Iterator[tuple[str, Row | Bad]]:
            return itertools.islice(self._usable(Report()), count)

        return Pairs(records, name=f"{self.name} (first {count:,})", group=self._group)

    def references(self) -> tuple[list[str], list[list[str]]]:
        """Return the sources and the references of each, all in memory: for validation and test sets.

        Records of equal source become one, at the place of the first, when `group=True` was asked for or when
        a record has several references; else each record stands for itself.
        """
        rows = list(self._rows())
        if self._group or any(len(row.targets) > 1 for row in rows):
            grouped: dict[str, list[str]] = {}
            for row in rows:
                grouped.setdefault(row.source, []).extend(row.targets)
            return list(grouped), list(grouped.values())
        return [row.source for row in rows], [row.targets for row in rows]

    def _count(self) -> None:
        for _ in self._rows():
            pass

    def _rows(self) -> Iterator[Row]:
        report, pairs = Report(), 0
        for _, row in self._usable(report):
            pairs += len(row.targets)
            yield row
        self._report, self._length = report, pairs

    def _usable(self, report: Report) -> Iterator[tuple[str, Row]]:
        for place, record in self._records():
            report.read += 1
            if isinstance(record, Bad):
                if self._on_bad == "refuse":
                    raise UserError(f'{place}: {record.detail}; mend it, or pass on_bad="skip"')
                setattr(report, record.reason, getattr(report, record.reason) + 1)
            else:
                report.kept += 1
                report.further += len(record.targets) - 1
                yield place, record


def read_pairs(
    *paths_or_iterable: str | os.PathLike | Iterable,
    on_bad: Literal["skip", "refuse"] = "skip",
    max_characters: int = 2000,
    group: bool = False,
    columns: Sequence[int] | None = None,
) -> Pairs:
    """Return the pairs of one TSV file, of two parallel files, or of an iterable.

    Text comes as it is in the file: nothing is stripped, and only a line feed ends a line.

    Args:
        paths_or_iterable: the path of a file of tab-separated lines; or two paths, whose lines are pairs;
            or an iterable of (source, target) or (source, [target, ...]). Files may be gzip files. A
            generator is put in a list, as pairs are gone through several times.
        on_bad: `skip` leaves unusable records out and counts them in `.report`; `refuse` raises at the first.
            Unusable: an empty side, a side over `max_characters`, invalid UTF-8, too few columns.
        max_characters: the longest side that is usable.
        group: gather the references of equal sources in `.references()`.
        columns: of a TSV, counted from 0: the source's, then those of the references. By default every column after
            the first is a reference; (0, 1) leaves out what stands behind, such as an attribution.

    Raises:
        UserError: a missing or unreadable file, parallel files of unequal length; while going through the
            pairs, a damaged file, or a bad record with `on_bad="refuse"`.

    >>> pairs = read_pairs([("a man", "ein Mann"), ("", "leer")])
    >>> list(pairs)
    [Pair(source='a man', target='ein Mann')]
    >>> print(pairs.report)
    2 records read, 1 kept; skipped: 1 with an empty side
    """
    if on_bad not in ("skip", "refuse"):
        raise UserError(f'on_bad: expected "skip" or "refuse", got {on_bad!r}')
    if max_characters < 1:
        raise UserError(f"max_characters: expected 1 or more, got {max_characters}")
    chosen = None if columns is None else tuple(columns)
    if chosen is not None and (len(chosen) < 2 or min(chosen) < 0):
        raise UserError(f"columns: expected two or more column numbers, from 0, got {chosen}")
    files = [Path(item) for item in paths_or_iterable if isinstance(item, str | os.PathLike)]
    match (len(paths_or_iterable), len(files)):
        case (1, 1):
            _check_readable(files[0])
            records, name = from_table(files[0], max_characters, chosen), str(files[0])
        case (2, 2):
            records, name = from_parallel(files[0], files[1], max_characters), f"{files[0]} + {files[1]}"
        case (1, 0):
            items = paths_or_iterable[0]
            if not isinstance(items, Iterable):
                raise UserError(f"paths_or_iterable: expected paths or an iterable of pairs, got {items!r:.80}")
            records = from_memory(list(items) if iter(items) is items else items, max_characters)
            name = getattr(items, "name", "pairs")
        case _:
            raise UserError(
                "paths_or_iterable: expected one path, two paths or one iterable of pairs, "
                f"got {len(paths_or_iterable)} arguments of which {len(files)} are paths"
            )
    return Pairs(records, name=str(name), on_bad=on_bad, group=group)


def _check_readable(path: Path) -> None:
    """Read one line, so that a wrong path is known now and not after minutes."""
    for _ in read_lines(path):
        break
