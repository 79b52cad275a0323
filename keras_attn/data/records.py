"""One record at a time from a table, from two parallel files or from memory: usable, or why not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from keras_attn.data.lines import count_lines, read_lines
from keras_attn.errors import UserError


class Row(NamedTuple):
    """A usable record: a source and its references."""

    source: str
    targets: list[str]


class Bad(NamedTuple):
    """A record that cannot be used."""

    reason: Literal["empty", "too_long", "invalid_utf8", "missing_column"]
    detail: str


Records = Callable[[], Iterator[tuple[str, Row | Bad]]]  # each call is a new pass; the string says where


def from_table(path: Path, max_characters: int, columns: tuple[int, ...] | None) -> Records:
    """Read tab-separated lines; without `columns` all after the first are references."""

    def records() -> Iterator[tuple[str, Row | Bad]]:
        for number, line in enumerate(read_lines(path), start=1):
            yield f"{path}, line {number}", _from_line(line)

    def _from_line(line: bytes) -> Row | Bad:
        cells = line.split(b"\t")
        if not line.strip():
            return Bad("empty", "the line is empty")
        last = max(columns or (0, 1))
        if len(cells) <= last:
            return Bad("missing_column", f"expected {last + 1} columns or more, got {len(cells)}")
        return _decode(cells if columns is None else [cells[column] for column in columns], max_characters)

    return records


def from_parallel(source: Path, target: Path, max_characters: int) -> Records:
    """Read two files line by line.

    Raises:
        UserError: they have different numbers of lines.
    """
    _check_equal_counts(source, target)

    def records() -> Iterator[tuple[str, Row | Bad]]:
        lines = itertools.zip_longest(read_lines(source), read_lines(target))
        for number, (left, right) in enumerate(lines, start=1):
            if left is None or right is None:
                _check_equal_counts(source, target)
            yield f"{source} and {target}, line {number}", _decode([left, right], max_characters)

    return records


def from_memory(items: Iterable, max_characters: int) -> Records:
    """Take (source, target) or (source, [target, ...]) tuples."""

    def records() -> Iterator[tuple[str, Row | Bad]]:
        for number, item in enumerate(items, start=1):
            place = f"pair {number}"
            try:
                if isinstance(item, str):  # one of two characters would unpack
                    raise TypeError
                source, target = item
                targets = [target] if isinstance(target, str) else list(target)
            except (TypeError, ValueError):
                raise UserError(f"{place}: expected (source, target), got {item!r:.80}") from None
            if not all(isinstance(cell, str) for cell in (source, *targets)):
                raise UserError(f"{place}: expected strings, got {item!r:.80}")
            yield place, _judge([source, *targets], max_characters)

    return records


def _check_equal_counts(source: Path, target: Path) -> None:
    counts = count_lines(source), count_lines(target)
    if counts[0] != counts[1]:
        raise UserError(
            f"parallel files need equal numbers of lines, but {source} has {counts[0]:,} and {target} has "
            f"{counts[1]:,}; a pair may be missing on one side"
        )


def _decode(cells: list[bytes], max_characters: int) -> Row | Bad:
    try:
        return _judge([cell.decode() for cell in cells], max_characters)
    except UnicodeDecodeError as error:
        return Bad("invalid_utf8", f"byte {error.object[error.start]:#04x} is not valid UTF-8")


def _judge(cells: list[str], max_characters: int) -> Row | Bad:
    source, *targets = cells
    targets = [target for target in targets if target.strip()]
    if not source.strip() or not targets:
        return Bad("empty", "the source or the target is empty")
    longest = max(len(cell) for cell in (source, *targets))
    if longest > max_characters:
        return Bad("too_long", f"{longest:,} characters are more than max_characters={max_characters:,}")
    return Row(source, targets)
