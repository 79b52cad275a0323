"""Pairs of text from files or from memory, streamed."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from keras_attn.data.lines import read_lines
from keras_attn.data.report import Report
from keras_attn.errors import UserError


class Pair(NamedTuple):
    """A source text and one target text."""

    source: str
    target: str


class Bad(NamedTuple):
    """A record that cannot be used, and why."""

    reason: Literal["empty", "too_long", "invalid_utf8", "missing_column"]
    detail: str


class Row(NamedTuple):
    """One usable record: a source and its references."""

    source: str
    targets: list[str]


Records = Callable[[], Iterator[tuple[str, Row | Bad]]]


class Pairs:
    """A corpus that can be gone through again and again without being held in memory; see `read_pairs`.

    Iterating gives a `Pair` per (source, reference).
    """

    def __init__(self, records: Records, *, name: str, on_bad: str, several: bool, group: bool):
        self._records = records
        self._on_bad = on_bad
        self._several = several
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
        """Return the first `count` usable records as a corpus of its own, still streamed."""
        if count < 0:
            raise UserError(f"count: expected 0 or more, got {count}")

        def records() -> Iterator[tuple[str, Row | Bad]]:
            return itertools.islice(((place, row) for place, row in self._usable(Report())), count)

        return Pairs(
            records,
            name=f"{self.name} (first {count:,})",
            on_bad=self._on_bad,
            several=self._several,
            group=self._group,
        )

    def references(self) -> tuple[list[str], list[list[str]]]:
        """Return the sources and the references of each, all in memory: for validation and test sets.

        Records of equal source become one when `group=True` was asked for, in order of first appearance.
        """
        sources: list[str] = []
        references: list[list[str]] = []
        places: dict[str, int] = {}
        for row in self._rows():
            place = places.get(row.source) if self._group else None
            if place is None:
                places[row.source] = len(sources)
                sources.append(row.source)
                references.append(list(row.targets))
            else:
                references[place].extend(row.targets)
        return sources, references

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
                yield place, record


def read_pairs(
    *paths_or_iterable: str | os.PathLike | Iterable,
    on_bad: Literal["skip", "refuse"] = "skip",
    max_characters: int = 2000,
    group: bool = False,
    columns: Sequence[int] = (0, 1),
) -> Pairs:
    """Return the pairs of one TSV file, of two parallel files, or of an iterable.

    Args:
        paths_or_iterable: a path of tab-separated lines; or two paths whose lines belong together; or an iterable of
            (source, target) or (source, [target, ...]). Names that end in `.gz` are decompressed.
        on_bad: `skip` counts unusable lines in `.report`; `refuse` raises at the first.
        max_characters: a longer side makes a line unusable.
        group: gather the references of equal sources in `.references()`.
        columns: of a TSV, which column is the source and which are references; with the default
            every column after the first is a reference.

    Raises:
        UserError: a file that is missing or unreadable, parallel files of unequal length, a bad
            line with `on_bad="refuse"` (all at the first pass over the pairs, missing files at once).

    >>> pairs = read_pairs([("a man", "ein Mann"), ("", "leer")])
    >>> list(pairs)
    [Pair(source='a man', target='ein Mann')]
    >>> print(pairs.report)
    2 lines read, 1 kept; skipped: 1 an empty side
    """
    if on_bad not in ("skip", "refuse"):
        raise UserError(f'on_bad: expected "skip" or "refuse", got {on_bad!r}')
    inputs = paths_or_iterable
    if not 1 <= len(inputs) <= 2:
        raise UserError(
            f"paths_or_iterable: expected one path, two paths or an iterable, got {len(inputs)} arguments"
        )
    files = [Path(item) for item in inputs if isinstance(item, str | os.PathLike)]
    if files and len(files) < len(inputs):
        raise UserError("paths_or_iterable: expected two paths or one iterable, got one of each")
    for file in files:
        for _ in read_lines(file):
            break  # a wrong path is known now, not after minutes
    several = False
    if len(files) == 2:
        records, name = _parallel(files[0], files[1], max_characters), f"{files[0]} + {files[1]}"
    elif files:
        columns = tuple(columns)
        if len(columns) < 2 or min(columns) < 0:
            raise UserError(f"columns: expected two or more column numbers from 0, got {columns}")
        records, name = _table(files[0], max_characters, columns), str(files[0])
        several = True
    elif len(inputs) == 1:
        items = inputs[0]
        if iter(items) is items:  # a generator could be gone through only once
            items = list(items)
        records, name = _memory(items, max_characters), "pairs"
    else:
        raise UserError("paths_or_iterable: expected one iterable of pairs, got two iterables; zip them")
    return Pairs(records, name=name, on_bad=on_bad, several=several, group=group)


def _judge(cells: list[str], max_characters: int) -> Row | Bad:
    source, *targets = cells
    targets = [target for target in targets if target.strip()]
    if not source.strip() or not targets:
        return Bad("empty", "the source or the target is empty")
    longest = max(len(cell) for cell in (source, *targets))
    if longest > max_characters:
        return Bad("too_long", f"{longest:,} characters are more than max_characters={max_characters:,}")
    return Row(source, targets)


def _decode(cells: list[bytes], max_characters: int) -> Row | Bad:
    try:
        return _judge([cell.decode() for cell in cells], max_characters)
    except UnicodeDecodeError as error:
        return Bad("invalid_utf8", f"byte {error.object[error.start]:#04x} is not valid UTF-8")


def _table(path: Path, max_characters: int, columns: tuple[int, ...]) -> Records:
    def records() -> Iterator[tuple[str, Row | Bad]]:
        for number, line in enumerate(read_lines(path), start=1):
            cells, place = line.split(b"\t"), f"{path}, line {number}"
            if len(cells) <= max(columns):
                kind = "empty" if not line.strip() else "missing_column"
                yield place, Bad(kind, f"expected column {max(columns)} (from 0), got {len(cells)} columns")
                continue
            wanted = [cells[column] for column in columns]
            if columns == (0, 1):
                wanted += cells[2:]
            yield place, _decode(wanted, max_characters)

    return records


def _parallel(source: Path, target: Path, max_characters: int) -> Records:
    def records() -> Iterator[tuple[str, Row | Bad]]:
        for number, (left, right) in enumerate(
            itertools.zip_longest(read_lines(source), read_lines(target)), start=1
        ):
            if left is None or right is None:
                counts = [sum(1 for _ in read_lines(path)) for path in (source, target)]
                raise UserError(
                    f"parallel files must have as many lines: {source} has {counts[0]:,}, {target} has {counts[1]:,}"
                )
            yield f"{source} and {target}, line {number}", _decode([left, right], max_characters)

    return records


def _memory(items: Iterable, max_characters: int) -> Records:
    def records() -> Iterator[tuple[str, Row | Bad]]:
        for number, item in enumerate(items, start=1):
            place = f"pair {number}"
            try:
                source, target = item
            except (TypeError, ValueError):
                raise UserError(f"{place}: expected (source, target), got {item!r:.80}") from None
            targets = [target] if isinstance(target, str) else list(target)
            if not all(isinstance(cell, str) for cell in (source, *targets)):
                raise UserError(f"{place}: expected strings, got {item!r:.80}")
            yield place, _judge([source, *targets], max_characters)

    return records
