"""Lines of a stream as they arrive, a window of them at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from keras_attn.lines.odd import LONGEST_LINE

CHUNK = 1 << 18  # bytes asked for at a time: about 4,000 sentences
WINDOW = 4096  # lines


def read_windows(stream: BinaryIO, size: int = WINDOW) -> Iterator[list[bytes]]:
    r"""Windows of at most `size` lines, without their ends; only a line feed ends a line.

    A window is what has arrived: lines are not held back to fill one, so another program, or somebody at a terminal,
    may write a sentence and wait for its answer. Of a file it is full, so there is something to sort in it.

    >>> import io
    >>> list(read_windows(io.BytesIO(b"one\r\ntwo\n\nfour"), 3))
    [[b'one', b'two', b''], [b'four']]

    Args:
        stream: buffered binary stream, such as `sys.stdin.buffer`.
        size: lines of a window, at least 1.
    """
    rest = b""
    while chunk := stream.read1(CHUNK):  # type: ignore[attr-defined]  # BinaryIO leaves read1 out
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[: LONGEST_LINE + 1]  # still counts as too long, and no endless line fills the memory
        for first in range(0, len(lines), size):
            yield [line.removesuffix(b"\r") for line in lines[first : first + size]]
    if rest:
        yield [rest.removesuffix(b"\r")]
