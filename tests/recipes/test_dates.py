"""The dates recipe from end to end, as small as can be."""

from __future__ import annotations

import json

import pytest
from tiny_recipe import TINY

from keras_attn import cli
from keras_attn.data import Dates


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run's folder and what was printed."""
    import contextlib
    import io

    folder, said = tmp_path_factory.mktemp("runs") / "dates", io.StringIO()
    numbers = ["--examples", "400", "--test-examples", "40", "--training.epochs", "1", "--output", str(folder)]
    with contextlib.redirect_stdout(said):
        assert cli.main(["train", "dates", *TINY, *numbers, "--training.updates-per-epoch", "3"]) == 0
    return folder, said.getvalue()


def test_it_ends_with_scores_a_picture_and_an_export(trained):
    folder, said = trained
    report = json.loads((folder / "report.json").read_text())
    assert set(report) >= {"exact_match", "year_argmax", "year_mass", "year_offset", "worst_locale", "by_locale"}
    assert 0 <= report["exact_match"] <= 100
    assert (folder / "attention.png").read_bytes().startswith(b"\x89PNG")
    parity = json.loads((folder / "export" / "1" / "assets.extra" / "parity.json").read_text())
    assert [way["differences"] for way in parity["ways"].values()] == [[], []]
    for line in ("exact match on dates of unseen days", f"exported model: {folder / 'export' / '1'}", "query it: "):
        assert line in said


def test_its_report_is_over_the_test_days(trained):
    report = json.loads((trained[0] / "report.json").read_text())
    assert set(report["by_locale"]) == {pair.locale for pair in Dates("test", count=40, seed=1, balanced=True)}
    assert report["worst_locale"][1] == min(report["by_locale"].values())


def test_its_text_is_spelled_in_characters(trained):
    from keras_attn.text import Tokenizer

    text = Tokenizer.load(trained[0] / "tokenizer")
    assert text.target.pieces(text.target.encode(["2021-03-03"])[0]) == list("▁2021-03-03")


@pytest.mark.parametrize("name", ["examples", "test-examples"])
def test_no_dates_at_all_are_refused_before_any_training(name, fails, tmp_path):
    message = fails("train", "dates", *TINY, "--output", tmp_path / "run", f"--{name}", "0")
    assert f"{name.replace('-', '_')}: expected at least 1, got 0" in message
    assert list(tmp_path.iterdir()) == []


def test_another_folder_is_asked_for_the_second_time(trained, capsys):
    assert cli.main(["train", "dates", *TINY, "--examples", "400", "--output", str(trained[0])]) == 2
    assert "holds a run already" in capsys.readouterr().err
