"""Lines of bytes in, one line of text out for each: what keeps a pipe going whatever comes through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

LONGEST_LINE = 100_000  # bytes; what follows is cut before any model sees it
_BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})


def one_line(text: str) -> str:
    """`text` without line breaks and tabs: a model that can write any byte can write those too."""
    return text.translate(_BREAKS)


class LineDecoder:
    """Decode lines in order; a bad one gives an empty or a best-effort line, and is counted.

    Args:
        translate: list of sentences -> object with `text` (list of str), `score` (floats) and `truncated`
            (booleans: True where a sentence was too long for the model and was cut).
        scores: add a tab and the score to each line.
    """

    def __init__(self, translate: Callable[[list[str]], Any], *, scores: bool = False) -> None:
        self._translate = translate
        self._scores = scores
        self._lines = 0
        self._bad: Counter[str] = Counter()

    def __call__(self, lines: Sequence[bytes]) -> list[str]:
        """Decode one batch: as many lines come back as went in."""
        self._lines += len(lines)
        sentences = [self._clean(line) for line in lines]
        full = [index for index, sentence in enumerate(sentences) if sentence.strip()]
        decoded = ["\t" if self._scores else ""] * len(lines)
        self._bad["empty"] += len(lines) - len(full)
        if not full:
            return decoded
        output = self._translate([sentences[index] for index in full])
        rows = zip(full, output.text, output.score, output.truncated, strict=True)
        for index, text, score, truncated in rows:
            decoded[index] = f"{one_line(text)}\t{float(score):.4f}" if self._scores else one_line(text)
            self._bad["too long (cut)"] += bool(truncated) and len(lines[index]) <= LONGEST_LINE
        return decoded

    def _clean(self, line: bytes) -> str:
        if len(line) > LONGEST_LINE:
            self._bad["too long (cut)"] += 1
            # A cut through a character is not the writer's fault: drop the torn bytes, do not count them.
            line = line[:LONGEST_LINE].decode("utf-8", "ignore").encode()
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self._bad["not UTF-8"] += 1
            return line.decode("utf-8", "replace")

    @property
    def report(self) -> str:
        """What was wrong with how many lines; empty if nothing was."""
        reasons = [f"{count} {reason}" for reason, count in sorted(self._bad.items()) if count]
        return f"{self._lines} lines, of which {', '.join(reasons)}" if reasons else ""


def read_batches(stream: BinaryIO, size: int) -> Iterator[list[bytes]]:
    r"""Batches of at most `size` lines, without their ends; only a line feed ends a line.

    Lines that have arrived are not held back to fill a batch, so another program may write a sentence and
    wait for its answer.

    >>> import io
    >>> list(read_batches(io.BytesIO(b"one\r\ntwo\n\nfour"), 3))
    [[b'one', b'two', b''], [b'four']]

    Args:
        stream: buffered binary stream, such as `sys.stdin.buffer`.
        size: lines in a batch, at least 1.
    """
    rest = b""
    while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]  # BinaryIO leaves read1 out
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[: LONGEST_LINE + 1]  # still counts as too long, and no endless line fills the memory
        yield from _batches(lines, size)
    if rest:
        yield [rest.removesuffix(b"\r")]


def _batches(lines: list[bytes], size: int) -> Iterator[list[bytes]]:
    for first in range(0, len(lines), size):
        yield [line.removesuffix(b"\r") for line in lines[first : first + size]]
