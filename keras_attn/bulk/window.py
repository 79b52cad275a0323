"""Some lines of a file, and where they stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from keras_attn.lines.reader import read_windows


@dataclass(frozen=True)
class Window:
    """What is decoded at once, and becomes one file of the output.

    Args:
        file: name of the input, without its folder.
        first: number of its first line in that file, from 0.
        lines: without their ends.
    """

    file: str
    first: int
    lines: list[bytes]

    @property
    def name(self) -> str:
        """Of the file it becomes: sorted by name, files stand in the order of the lines."""
        return f"{self.file}-{self.first:012d}"


class _Reads:
    """A stream as `read_windows` wants one: a file has no lines that are yet to come."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.read1 = stream.read


def windows(file: str, stream: IO[bytes]) -> Iterator[Window]:
    r"""The lines of a file, read as `keras-attn decode` reads them, in bounded memory.

    >>> import io
    >>> [(one.name, one.lines) for one in windows("a.txt", io.BytesIO(b"one\r\ntwo"))]
    [('a.txt-000000000000', [b'one']), ('a.txt-000000000001', [b'two'])]
    """
    first = 0
    stream_: Any = _Reads(stream)
    for lines in read_windows(stream_):
        yield Window(file, first, lines)
        first += len(lines)
