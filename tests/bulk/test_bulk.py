"""Files through Apache Beam: the lines that `keras-attn decode` writes, in their order."""

from __future__ import annotations

import functools
import gzip
import io
from pathlib import Path

import pytest

pytest.importorskip("apache_beam", reason="apache-beam wants protobuf 6, so it is not in the tests' environment")

from apache_beam.internal import pickler

from keras_attn import cli
from keras_attn.bulk.line_model import LineModel
from keras_attn.bulk.pipeline import decode_files
from keras_attn.bulk.window import windows
from keras_attn.errors import UserError
from keras_attn.lines.decoder import LineDecoder
from keras_attn.lines.reader import read_windows
from keras_attn.lines.writing import Decoded, Fields

DATES = Path(__file__).parents[2] / "saved_models" / "dates" / "1"
LIMITS = {"batch_size": 64, "tokens_per_batch": 4096}
BROKEN = [b"", b"poison", b"x" * 10_000, b"\xff\xfe caf\xe9", b"nul \0 nul", "שלום ☕".encode()]


def shout(sentences: list[str]) -> list[Decoded]:
    if "poison" in sentences:
        raise ValueError("poisoned")
    return [Decoded([(sentence[:100].upper(), -0.5)], truncated=len(sentence) > 100) for sentence in sentences]


def load_shout():
    return shout


def lines_of(count: int) -> list[bytes]:
    return [BROKEN[number // 700 % 6] if number % 700 == 0 else b"line %d" % number for number in range(count)]


def parts(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_a_file_becomes_the_lines_of_the_line_decoder_and_the_same_report(tmp_path):
    data = b"\n".join(lines_of(10_000)) + b"\n"
    (tmp_path / "in.txt").write_bytes(data)
    model = LineModel(load_shout, Fields(scores=True), LIMITS)
    report = decode_files(model, [str(tmp_path / "in.txt")], str(tmp_path / "out"))
    decoder = LineDecoder(shout, Fields(scores=True), **LIMITS)
    expected = [line for window in read_windows(io.BytesIO(data)) for line in decoder(window)]
    found = parts(tmp_path / "out")
    assert [path.name for path in found] == [f"in.txt-{first:012d}" for first in (0, 4096, 8192)]
    assert b"".join(path.read_bytes() for path in found).decode().split("\n") == [*expected, ""]
    assert len(expected) == 10_000
    assert report == decoder.report
    assert "that the model failed on" in report


def test_several_files_compressed_ones_too_and_an_empty_one(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"two\r\nthree\n")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\n"))
    (tmp_path / "c.txt").write_bytes(b"")
    model = LineModel(load_shout, Fields(), LIMITS)
    assert decode_files(model, [str(tmp_path / "*.txt*")], str(tmp_path / "out" / "deep")) == ""
    found = {path.name: path.read_text() for path in parts(tmp_path / "out" / "deep")}
    assert found == {"a.txt.gz-000000000000": "ONE\n", "b.txt-000000000000": "TWO\nTHREE\n"}


def test_windows_are_counted_across_chunks():
    data = b"\n".join(b"%0100d" % number for number in range(9000))
    found = list(windows("a", io.BytesIO(data)))
    assert [line for window in found for line in window.lines] == data.split(b"\n")
    for window in found:
        assert window.lines[0] == b"%0100d" % window.first


def refuse(tmp_path, *patterns, output="out"):
    with pytest.raises(UserError) as refused:
        decode_files(
            LineModel(load_shout, Fields(), LIMITS), [str(tmp_path / one) for one in patterns], str(tmp_path / output)
        )
    return str(refused.value)


def test_what_makes_no_sense_is_refused_before_anything_is_written(tmp_path):
    for folder in ("x", "y", "full"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in.txt").write_text("a\n")
    assert "found none" in refuse(tmp_path, "missing*")
    assert "several in.txt" in refuse(tmp_path, "x/*", "y/*")
    assert "has files" in refuse(tmp_path, "x/*", output="full")
    assert not (tmp_path / "out").exists()


def fails(capsys, *arguments: str) -> str:
    assert cli.main(["decode", *arguments]) == 2
    return capsys.readouterr().err


def test_the_command_says_what_is_missing(tmp_path, capsys):
    beam = ("--engine", "apache-beam")
    assert "--input" in fails(capsys, str(DATES), *beam, "--output", "o")
    assert "--output" in fails(capsys, str(DATES), *beam, "--input", "i")
    assert "reads files" in fails(capsys, str(DATES), "3 May 2020", *beam, "--input", "i", "--output", "o")
    assert "its search inside" in fails(capsys, str(DATES), *beam, "--beam", "2")
    assert "export it" in fails(capsys, str(tmp_path), *beam, "--input", "i", "--output", "o")
    assert "--engine apache-beam" in fails(capsys, str(DATES), "3 May 2020", "--output", "o")


def test_the_exported_dates_say_through_beam_what_they_say_without(tmp_path, capsys):
    (tmp_path / "in.txt").write_bytes(b"3 March 2021\n\n4. Mai 1999\n\xff\n" * 20)
    arguments = ("--scores", "--alignments")
    made = [
        *arguments,
        "--engine",
        "apache-beam",
        "--input",
        str(tmp_path / "in.txt"),
        "--output",
        str(tmp_path / "out"),
    ]
    assert cli.main(["decode", str(DATES), *made]) == 0
    assert "80 lines, of which 20 empty, 20 not UTF-8" in capsys.readouterr().err
    lines = (tmp_path / "out" / "in.txt-000000000000").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["2021-03-03", "", "1999-05-04"]
    assert lines[0].split("\t")[1:] != ["", ""]
    assert len(lines) == 80


def test_a_model_is_sent_to_workers_by_pickle():
    model = LineModel(functools.partial(load_shout), Fields(), LIMITS)
    assert pickler.loads(pickler.dumps(model)).load_model() is shout
