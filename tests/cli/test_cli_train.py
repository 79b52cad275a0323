"""`keras-attn train`: a recipe's fields as options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from toy_recipe import Encoder, Toy

from keras_attn import cli


def test_train_fills_nested_fields(model, capsys):
    arguments = "train toy --corpus a.tsv --encoder.units 128 --encoder.no-bidirectional --rate 1e-3"
    assert cli.main(arguments.split()) == 0
    wanted = Toy(Path("a.tsv"), encoder=Encoder(128, bidirectional=False), rate=1e-3)
    assert capsys.readouterr().out == f"{wanted}\n"


@pytest.mark.parametrize(("flag", "value"), [("bidirectional", True), ("no-bidirectional", False)])
def test_a_switch_of_a_recipe_can_be_set_either_way(flag, value, model, capsys):
    assert cli.main(["train", "toy", "--corpus", "a.tsv", f"--encoder.{flag}"]) == 0
    assert f"bidirectional={value}" in capsys.readouterr().out


def test_an_unknown_field_names_the_near_one(model, fails):
    message = fails("train", "toy", "--corpus", "a.tsv", "--encoder.unit", "128")
    assert "--encoder.unit," in message
    assert "--encoder.units INT" in message


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--corpus", "a.tsv", "--rate", "fast"], ["--rate", "fast"]),
        ([], ["--corpus"]),
        (["--corpus", "a.tsv", "--rate", "-1"], ["rate: expected a positive number, got a negative one"]),
    ],
)
def test_a_bad_field_is_one_line_that_names_it(arguments, named, model, fails):
    message = fails("train", "toy", *arguments)
    assert all(word in message for word in named)


def test_an_unknown_recipe_is_one_line(model, fails):
    assert fails("train", "toi") == "recipe: no 'toi'; near: toy"


def test_an_unknown_command_names_the_near_one(fails):
    assert fails("decod") == "command: no 'decod'; did you mean decode?"
    assert "known: train, evaluate" in fails("xyz")


def test_parse_errors_have_no_frame_even_in_color(model, fails, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    message = fails("train", "toy", "--corpus", "a.tsv", "--rat", "1")
    assert message.startswith("Unrecognized options: --rat, 1; Perhaps you meant: --rate FLOAT")
    assert message.isprintable()
    assert not set(message) & set("│╭╮╰╯─")
