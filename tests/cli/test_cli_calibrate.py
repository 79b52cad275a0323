"""`keras-attn calibrate`: the temperature, what it changes, and the picture."""

from __future__ import annotations

import math

import pytest

from keras_attn import cli


@pytest.fixture
def files(tmp_path):
    """Fitted on the first and the third line, where 3 of 4 words are "a", measured on the others, where 6 of 8 are."""
    (tmp_path / "source").write_text("x\ny\nz\nw\n")
    (tmp_path / "target").write_text("a b\na a b\na a\na a a a b\n")
    return ["--source", str(tmp_path / "source"), "--target", str(tmp_path / "target")]


def test_calibrate_fits_on_half_of_the_pairs_and_measures_on_the_other(files, run, model, capsys):
    assert cli.main(["calibrate", run, *files]) == 0
    _, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    trained, words, sure = (row[2:] for row in rows)
    assert [row[:2] for row in rows] == [["as", "trained"], ["of", "words"], ["of", "confidence"]]
    p = 1 / (1 + math.exp(-4))
    assert trained == ["1.000", f"{0.75 * math.log(p) + 0.25 * math.log(1 - p):.4f}", "98.2%", "75.0%", "23.2%"]
    assert words[0] == sure[0] == f"{4 / math.log(3):.3f}"  # of two words, one is right or the other
    assert words[2:] == sure[2:] == ["75.0%", "75.0%", "0.0%"]


def test_calibrate_draws_all(files, run, model, capsys, tmp_path):
    picture = tmp_path / "reliability.png"
    assert cli.main(["calibrate", run, *files, "--output", str(picture)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_calibrate_says_what_it_cannot_do_before_it_begins(files, run, model, fails, tmp_path):
    assert "--output: expected a file that ends in" in fails("calibrate", run, *files, "--output", "x.word")
    (tmp_path / "source").write_text("x\n")
    (tmp_path / "target").write_text("a\n")
    assert "--source: expected at least two lines, got 1" in fails("calibrate", run, *files)
