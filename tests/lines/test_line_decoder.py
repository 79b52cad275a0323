"""One line out for each line in, whatever the bytes, in order, sorted in between."""

from __future__ import annotations

import io
import random
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_attn.lines.decoder import LineDecoder
from keras_attn.lines.odd import LONGEST_LINE
from keras_attn.lines.reader import read_windows
from keras_attn.lines.writing import Decoded, Fields


def echo(sentences: list[str]) -> list[Decoded]:
    return [Decoded([(sentence, -1.0)]) for sentence in sentences]


@given(st.lists(st.binary(max_size=30)), st.booleans())
def test_as_many_lines_come_out_as_went_in(lines, scores):
    decoded = LineDecoder(echo, Fields(scores))(lines)
    assert len(decoded) == len(lines)
    for line in decoded:
        assert line.count("\t") == scores
        assert not set("\r\n") & set(line)


@given(st.lists(st.text("ab \n\r\t\u2028\x0b\0é", max_size=8)))
def test_text_of_one_line_comes_out_as_it_is(lines):
    clean = [line for line in lines if line.strip() and not set("\n\r\t") & set(line)]
    decoder = LineDecoder(echo, batch_size=2)
    assert decoder([line.encode() for line in clean]) == clean
    assert decoder.report == ""


def test_the_model_never_sees_an_empty_line():
    seen = []

    def decode(sentences):
        seen.append(sentences)
        return echo(sentences)

    decoder = LineDecoder(decode)
    assert decoder([b"", b"a", b"  ", b"b"]) == ["", "a", "", "b"]
    assert decoder([b"", b"\t"]) == ["", ""]
    assert seen == [["a", "b"]]
    assert decoder.report == "6 lines, of which 4 empty"


def test_two_batches_are_decoded_at_a_time_and_put_back_in_order():
    both = threading.Barrier(2, timeout=10)

    def decode(sentences):
        both.wait()  # passes once somebody else is here too
        return echo(sentences)

    lines = [b"a" * length for length in (1, 4, 2, 3)]
    assert LineDecoder(decode, batch_size=1)(lines) == [line.decode() for line in lines]


@pytest.mark.parametrize("character", ["a", "é", "語", "😀"])
def test_an_endless_line_is_cut_between_characters_and_counted_once(character):
    line = character.encode() * (LONGEST_LINE // len(character.encode()) + 1)
    seen = []

    def decode(sentences):
        seen.extend(sentences)
        return [Decoded([("cut", 0.0)], truncated=True)]  # the model cuts it again: still one bad line

    decoder = LineDecoder(decode)
    assert decoder([line]) == ["cut"]
    (sentence,) = seen
    assert sentence == character * (LONGEST_LINE // len(character.encode()))
    assert decoder.report == "1 lines, of which 1 too long (cut)"


def test_lines_of_like_lengths_go_together_within_the_budget():
    seen: list[list[str]] = []

    def decode(sentences):
        seen.append(sentences)
        return echo(sentences)

    lines = ["a" * length for length in (3, 400, 3, 40, 39, 2, 38, 1)]
    decoder = LineDecoder(decode, batch_size=3, tokens_per_batch=25)  # a token has four bytes
    assert decoder([line.encode() for line in lines]) == lines
    assert [[len(line) for line in batch] for batch in seen] == [[400], [40, 39], [38, 3], [3, 2, 1]]


def test_lengths_are_those_that_the_model_tells():
    seen: list[list[str]] = []

    def decode(sentences):
        seen.append(sentences)
        return echo(sentences)

    def words(sentences):
        return [len(sentence.split()) for sentence in sentences]

    lines = ["a a a", "bbbbbbbbb", "", "c c", "ddd d"]
    decoder = LineDecoder(decode, tokens_per_batch=8, lengths=words)  # one more than the words of each
    assert decoder([line.encode() for line in lines]) == lines
    assert sorted(seen) == [["a a a", "c c"], ["ddd d", "bbbbbbbbb"]]


def fails_on(*bad: str):
    def decode(sentences):
        if found := set(bad) & set(sentences):
            raise ValueError(f"cannot do {sorted(found)}")
        return echo(sentences)

    return decode


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_a_line_that_the_model_fails_on_takes_no_other_with_it(batch_size, caplog):
    decoder = LineDecoder(fails_on("poison", "venom"), batch_size=batch_size)
    lines = [b"a", b"poison", b"bc", b"", b"venom", b"d", b"e"]
    assert decoder(lines) == ["a", "", "bc", "", "", "d", "e"]
    assert decoder.report == "7 lines, of which 1 empty, 2 that the model failed on"
    assert "['poison']" in caplog.text
    assert "['venom']" in caplog.text


@pytest.mark.parametrize("batch_size", [1, 2, 128])
def test_nor_do_bad_lines_side_by_side(batch_size):
    """Lines are sorted by length, so those that are too long for a model are neighbors, and the first it is asked."""
    decoder = LineDecoder(fails_on("poison", "venomous", "arsenic"), batch_size=batch_size)
    assert decoder([b"a", b"poison", b"venomous", b"arsenic", b"d"]) == ["a", "", "", "", "d"]
    assert decoder([b"venomous", b"poison"]) == ["", ""]  # it has done others
    assert decoder.report == "7 lines, of which 5 that the model failed on"


@pytest.mark.parametrize("batch_size", [1, 128])
def test_a_model_that_fails_on_all_lines_is_no_matter_of_lines(batch_size, caplog):
    decoder = LineDecoder(fails_on("a", "b", "c"), batch_size=batch_size)
    with pytest.raises(ValueError, match="cannot do"):
        decoder([b"a", b"b", b"c"])
    assert caplog.text == ""


ODD = [
    b"",
    b"x" * 10_000,
    b"\xff\xfe caf\xe9",
    b"nul \0 nul",
    "\u202eשלום עולם".encode(),
    "👩‍👩‍👧‍👦 ☕".encode(),
]


def test_many_lines_and_broken_ones_among_them_in_bounded_memory():
    """200,000 lines through a model that is fast: out as they came in, in the memory of a few windows."""
    lines = 200_000
    broken = sorted(random.Random(1).sample(range(lines), 100))
    place = {number: ODD[index % len(ODD)] for index, number in enumerate(broken)}

    class File(io.RawIOBase):
        def __init__(self) -> None:
            self.made = (place.get(number, b"line %d" % number) + b"\n" for number in range(lines))
            self.rest = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            while len(self.rest) < len(buffer) and (more := next(self.made, b"")):
                self.rest += more
            count = min(len(buffer), len(self.rest))
            buffer[:count], self.rest = self.rest[:count], self.rest[count:]
            return count

    def decoded() -> Iterator[str]:
        for window in read_windows(io.BufferedReader(File())):
            yield from decoder(window)

    decoder = LineDecoder(echo)
    tracemalloc.start()
    count = 0
    for number, line in enumerate(decoded()):
        count += 1
        assert line == (place[number].decode("utf-8", "replace") if number in place else f"line {number}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == lines
    assert peak < 16 * 2**20  # all lines at once would be 12 MB of bytes, and several times that with their results
    assert decoder.report == "200,000 lines, of which 17 empty, 17 not UTF-8"
