"""One tiny run, trained once through the command line, and what every failing command must look like."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_recipe import TINY

from keras_attn import cli

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """600 pairs, number words to digits, and 20 others to test on."""
    random = np.random.default_rng(0)
    rows = {tuple(random.integers(0, 10, random.integers(1, 6)).tolist()) for _ in range(1000)}
    rows = sorted(rows, key=lambda row: random.random())  # each once: the tests count sentences
    folder = tmp_path_factory.mktemp("corpus")
    for name, chosen in (("train", rows[:600]), ("test", rows[600:620])):
        lines = [" ".join(WORDS[n] for n in row) + "\t" + "".join(map(str, row)) for row in chosen]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
        for column, side in enumerate(("words", "digits")):
            (folder / f"{name}.{side}").write_text("".join(line.split("\t")[column] + "\n" for line in lines))
    return folder


@pytest.fixture(scope="session")
def trained(corpus, tmp_path_factory) -> tuple[Path, str]:
    """A run folder, and what was printed while it was trained. Do not write there."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = cli.main(
            [
                *("train", "text-to-text", "--data.train", f"{corpus}/train.tsv", "--data.test", f"{corpus}/test.tsv"),
                *("--output", str(folder), "--training.epochs", "2", *TINY),
            ]
        )
    assert status == 0
    return folder, said.getvalue()


@pytest.fixture(scope="session")
def run(trained) -> Path:
    """The tiny run's folder. Do not write there."""
    return trained[0]


@pytest.fixture
def copy(run, tmp_path) -> Path:
    """A copy of it that a test may spoil."""
    return shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("tensorboard"))


@pytest.fixture
def fails(capsys) -> Callable[..., str]:
    """Run a command that must fail with status 2; gives its one line, without the program's name."""

    def fails(*arguments: object) -> str:
        capsys.readouterr()
        assert cli.main([str(argument) for argument in arguments]) == 2
        *before, line = capsys.readouterr().err.splitlines()
        assert line.startswith("keras-attn: error: ")
        assert not [said for said in before if "error" in said.lower() or said.startswith("Traceback")]
        return line.removeprefix("keras-attn: error: ")

    return fails
