"""What the command line says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from keras_attn import cli

HEAVY = {"tensorflow", "tensorflow_text", "keras", "matplotlib", "numpy", "sentencepiece"}


def python(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS), ["train", "toy"]])
def test_every_help_ends_with_an_example_of_that_command(command, model, capsys):
    assert cli.main([*command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: " + " ".join(["keras-attn", *command]))
    *_, title, example = out.rstrip("\n").split("examples:\n")
    assert title
    assert all(line.startswith("  " + " ".join(["keras-attn", *command])) for line in example.splitlines())
    assert err == ""


def test_help_names_what_is_positional(capsys):
    assert cli.main(["decode", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: keras-attn decode [-h] [OPTIONS] RUN [SENTENCES ...]\n")


def test_no_arguments_means_help(capsys):
    assert cli.main([]) == 0
    without = capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == without
    assert all(name in without for name in cli.COMMANDS)


def test_help_of_train_lists_the_recipes(model, capsys):
    assert cli.main(["train"]) == 0
    assert "  toy  Learn to shout.\n" in capsys.readouterr().out


def test_help_of_a_recipe_lists_its_nested_fields_with_their_defaults(model, capsys):
    assert cli.main(["train", "toy", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Learn to shout." in out
    assert "--encoder.units INT" in out
    assert "(default: 256)" in out
    assert "Pairs, one a line." in out
    assert out.endswith("examples:\n  keras-attn train toy --corpus words.tsv\n")


@pytest.mark.parametrize("arguments", [["--help"], ["decode", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = f"from keras_attn.cli import main; main({arguments})\nimport sys; print(*sys.modules, file=sys.stderr)"
    loaded = set(python("-c", code).stderr.split())
    assert "keras_attn.cli" in loaded
    assert not loaded & HEAVY


def test_the_package_is_the_same_program():
    result = python("-m", "keras_attn", "--version")
    assert (result.returncode, result.stdout) == (0, "0.1.0\n")
    assert python("-m", "keras_attn", "train?").returncode == 2
