"""One line out for each line in, whatever the bytes."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_attn.line_decoder import LONGEST_LINE, LineDecoder, read_batches


class Output(NamedTuple):
    text: list[str]
    score: list[float]
    truncated: list[bool]


def echo(sentences: list[str]) -> Output:
    return Output(sentences, [-1.0] * len(sentences), [False] * len(sentences))


@given(st.lists(st.binary(max_size=30)), st.booleans())
def test_as_many_lines_come_out_as_went_in(lines, scores):
    decoded = LineDecoder(echo, scores=scores)(lines)
    assert len(decoded) == len(lines)
    for line in decoded:
        assert line.count("\t") == scores
        assert not set("\r\n") & set(line)


@given(st.lists(st.text("ab \n\r\t\u2028\x0b\0é", max_size=8)))
def test_text_of_one_line_comes_out_as_it_is(lines):
    clean = [line for line in lines if line.strip() and not set("\n\r\t") & set(line)]
    decoder = LineDecoder(echo)
    assert decoder([line.encode() for line in clean]) == clean
    assert decoder.report == ""


def test_the_model_never_sees_an_empty_line():
    seen = []

    def translate(sentences):
        seen.append(sentences)
        return echo(sentences)

    decoder = LineDecoder(translate)
    assert decoder([b"", b"a", b"  ", b"b"]) == ["", "a", "", "b"]
    assert decoder([b"", b"\t"]) == ["", ""]
    assert seen == [["a", "b"]]
    assert decoder.report == "6 lines, of which 4 empty"


def test_a_line_break_the_model_wrote_does_not_break_the_line():
    def translate(sentences):
        return Output(["one\ntwo\r\nthree\tfour"], [-0.5], [False])

    assert LineDecoder(translate)([b"x"]) == ["one two  three four"]
    assert LineDecoder(translate, scores=True)([b"x"]) == ["one two  three four\t-0.5000"]


@pytest.mark.parametrize("character", ["a", "é", "語", "😀"])
def test_an_endless_line_is_cut_between_characters_and_counted_once(character):
    line = character.encode() * (LONGEST_LINE // len(character.encode()) + 1)
    seen = []

    def translate(sentences):
        seen.extend(sentences)
        return Output(["cut"], [0.0], [True])  # the model cuts it again: still one bad line

    decoder = LineDecoder(translate)
    assert decoder([line]) == ["cut"]
    (sentence,) = seen
    assert sentence == character * (LONGEST_LINE // len(character.encode()))
    assert decoder.report == "1 lines, of which 1 too long (cut)"


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
def test_batches_are_the_lines_however_they_arrive(pieces, size):
    data = b"".join(pieces)
    wanted = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if not data.rpartition(b"\n")[2]:
        wanted.pop()
    batches = list(read_batches(io.BufferedReader(Trickle(pieces)), size))
    assert [line for batch in batches for line in batch] == wanted
    assert all(1 <= len(batch) <= size for batch in batches)


def test_a_line_that_has_arrived_is_not_held_back():
    pipe = Trickle([b"first\nsec", b"ond\n"])
    batches = read_batches(io.BufferedReader(pipe), 64)
    assert next(batches) == [b"first"]
    assert pipe.pieces == [b"ond\n"]
    assert list(batches) == [[b"second"]]


def test_an_endless_line_does_not_fill_the_memory():
    pieces = [b"a" * 65536] * 8 + [b"b\nnext\n"]
    long, after = [line for batch in read_batches(io.BufferedReader(Trickle(pieces)), 9) for line in batch]
    assert LONGEST_LINE < len(long) < 2 * LONGEST_LINE
    assert after == b"next"
