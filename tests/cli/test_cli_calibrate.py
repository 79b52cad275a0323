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
    _, before, after = (line.split() for line in capsys.readouterr().out.splitlines())
    sure = 1 / (1 + math.exp(-4))
    assert before == ["1.000", f"{0.75 * math.log(sure) + 0.25 * math.log(1 - sure):.4f}", "98.2%", "75.0%", "23.2%"]
    assert after[0] == f"{4 / math.log(3):.3f}"
    assert after[2:] == ["75.0%", "75.0%", "0.0%"]


def test_calibrate_says_when_the_run_is_better_off_without(files, run, model, capsys, tmp_path):
    (tmp_path / "target").write_text("a b\na a a a a a a\na a\na\n")  # never wrong in the half that is measured
    assert cli.main(["calibrate", run, *files]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "the error is not smaller: keep temperature 1"


def test_calibrate_may_find_a_temperature_of_one(files, run, model, capsys, monkeypatch):
    monkeypatch.setattr("keras_attn.calibration.fit_temperature", lambda batches: 1.0)
    assert cli.main(["calibrate", run, *files]) == 0
    _, before, after, _ = (line.split() for line in capsys.readouterr().out.splitlines())
    assert before == after


def test_calibrate_draws_both(files, run, model, capsys, tmp_path):
    picture = tmp_path / "reliability.png"
    assert cli.main(["calibrate", run, *files, "--output", str(picture)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_calibrate_says_what_it_cannot_do_before_it_begins(files, run, model, fails, tmp_path):
    assert "--output: expected a file that ends in" in fails("calibrate", run, *files, "--output", "x.word")
    (tmp_path / "source").write_text("x\n")
    (tmp_path / "target").write_text("a\n")
    assert "--source: expected at least two lines, got 1" in fails("calibrate", run, *files)
