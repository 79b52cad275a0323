"""Windows of lines, however they arrive."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from keras_attn.lines.odd import LONGEST_LINE
from keras_attn.lines.reader import read_windows


class Trickle(io.RawIOBase):
    """A slow pipe: gives the next piece at each read."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


@given(st.lists(st.text("ab\n\r\u2028", max_size=6).map(str.encode)), st.integers(1, 4))
def test_windows_are_the_lines_however_they_arrive(pieces, size):
    data = b"".join(pieces)
    wanted = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if not data.rpartition(b"\n")[2]:
        wanted.pop()
    windows = list(read_windows(io.BufferedReader(Trickle(pieces)), size))
    assert [line for window in windows for line in window] == wanted
    assert all(1 <= len(window) <= size for window in windows)


def test_a_line_that_has_arrived_is_not_held_back():
    pipe = Trickle([b"first\nsec", b"ond\n"])
    windows = read_windows(io.BufferedReader(pipe), 64)
    assert next(windows) == [b"first"]
    assert pipe.pieces == [b"ond\n"]
    assert list(windows) == [[b"second"]]


def test_of_a_file_a_window_is_full():
    windows = [len(window) for window in read_windows(io.BytesIO(b"a line\n" * 10_000))]
    assert windows == [4096, 4096, 1808]


def test_an_endless_line_does_not_fill_the_memory():
    pieces = [b"a" * 65536] * 8 + [b"b\nnext\n"]
    long, after = [line for window in read_windows(io.BufferedReader(Trickle(pieces)), 9) for line in window]
    assert LONGEST_LINE < len(long) < 2 * LONGEST_LINE
    assert after == b"next"
