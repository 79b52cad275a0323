"""The command line with stand-ins for what it calls: what it parses, prints, and what becomes of errors."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from keras_attn import cli
from keras_attn.errors import UserError

HEAVY = {"tensorflow", "tensorflow_text", "keras", "matplotlib", "numpy", "sentencepiece"}


class Output(NamedTuple):
    text: list[str]
    score: np.ndarray
    truncated: np.ndarray


class Alignment(NamedTuple):
    source_tokens: list[str]
    target_tokens: list[str]
    weights: np.ndarray


class Upper:
    """A model that writes capitals, cuts after 20 characters, and notes the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, sentences: list[str]) -> Output:
        self.batches.append(sentences)
        return Output(
            [sentence[:20].upper() for sentence in sentences],
            np.array([-len(sentence) / 8 for sentence in sentences], "float32"),
            np.array([len(sentence) > 20 for sentence in sentences]),
        )

    def align(self, sentences: list[str]) -> list[Alignment]:
        return [
            Alignment(words := sentence.split(), [word.upper() for word in words], np.eye(len(words)))
            for sentence in sentences
        ]


class Lower(Upper):
    """Another model, that writes small letters."""

    def __call__(self, sentences: list[str]) -> Output:
        return super().__call__(sentences)._replace(text=[sentence.lower() for sentence in sentences])


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The encoder's sizes."""

    units: int = 256
    bidirectional: bool = True


@dataclasses.dataclass(frozen=True)
class Toy:
    """Learn to shout.

    keras-attn train toy --corpus words.tsv
    """

    corpus: Path
    """Pairs, one a line."""
    output: Path = Path("runs/toy")
    encoder: Encoder = Encoder()
    rate: float = 0.1

    def train(self) -> None:
        if self.rate < 0:
            raise UserError("rate: expected a positive number,\ngot a negative one")
        print(self)


@pytest.fixture
def model(monkeypatch):
    """Stand in for the recipes and the exported models; gives the model that every run holds."""
    upper = Upper()

    class Run:
        translate, align = upper, upper.align

        @classmethod
        def load(cls, folder, search=None):
            if not Path(folder).is_dir():
                raise UserError(f"run: no folder {str(folder)!r}")
            return cls()

        def export(self, folder, lines=None):
            Path(folder).mkdir(parents=True)
            (Path(folder) / "checked.txt").write_text(repr(lines))
            return Path(folder)

    def load(name):
        if name != "toy":
            raise UserError(f"recipe: no {name!r}; near: toy")
        return Toy

    recipes = types.SimpleNamespace(NAMES={"toy": "Learn to shout."}, load=load, Run=Run)
    exported = types.SimpleNamespace(load=lambda folder: Lower())
    monkeypatch.setitem(sys.modules, "keras_attn.recipes", recipes)
    monkeypatch.setitem(sys.modules, "keras_attn.export", exported)
    monkeypatch.setattr(cli, "import_tensorflow", lambda: None)
    return upper


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def feed(monkeypatch):
    """Put bytes on standard input."""

    def feed(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))

    return feed


@pytest.fixture
def fails(capsys):
    """Run a command that must fail; gives its one line on standard error, without the program's name."""

    def fails(*arguments: str, status: int = 2) -> str:
        assert cli.main(arguments) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("keras-attn: error: ")
        assert err.index("\n") == len(err) - 1
        return err.removeprefix("keras-attn: error: ").rstrip("\n")

    return fails


def python(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)


# Help


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


# train


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


# decode


def test_decode_writes_a_line_for_each_sentence(run, model, capsys):
    assert cli.main(["decode", run, "a cat", "two dogs"]) == 0
    assert capsys.readouterr() == ("A CAT\nTWO DOGS\n", "")


def test_decode_takes_a_sentence_that_starts_with_a_dash(run, model, capsys):
    assert cli.main(["decode", run, "--", "-5 degrees"]) == 0
    assert capsys.readouterr().out == "-5 DEGREES\n"


def test_decode_adds_scores(run, model, capsys):
    assert cli.main(["decode", run, "--scores", "a cat", ""]) == 0
    assert capsys.readouterr().out == "A CAT\t-0.6250\n\t\n"


def test_decode_streams_standard_input_in_order_and_in_batches(run, model, feed, capsys):
    feed(b"one\ntwo\nthree\nfour\nfive")
    assert cli.main(["decode", run, "--batch-size", "2"]) == 0
    assert capsys.readouterr() == ("ONE\nTWO\nTHREE\nFOUR\nFIVE\n", "")
    assert model.batches == [["one", "two"], ["three", "four"], ["five"]]


def test_decode_never_stops_at_a_bad_line_and_counts_it(run, model, feed, capsys):
    feed(b"good\n\n" + b"caf\xe9\n" + b"so very very long a line\n" + "ünï\n \n".encode())
    assert cli.main(["decode", run]) == 0
    out, err = capsys.readouterr()
    assert out == "GOOD\n\nCAF\N{REPLACEMENT CHARACTER}\nSO VERY VERY LONG A \nÜNÏ\n\n"
    assert err == "keras-attn: 6 lines, of which 2 empty, 1 not UTF-8, 1 too long (cut)\n"


def test_decode_of_nothing_writes_nothing(run, model, feed, capsys):
    feed(b"")
    assert cli.main(["decode", run]) == 0
    assert capsys.readouterr() == ("", "")


def test_decode_counts_a_bad_sentence_of_the_command_line(run, model, capsys):
    assert cli.main(["decode", run, os.fsdecode(b"caf\xe9")]) == 0
    assert "1 not UTF-8" in capsys.readouterr().err


def test_decode_refuses_an_empty_batch(run, model, fails):
    assert fails("decode", run, "x", "--batch-size", "0") == "--batch-size: expected at least 1, got 0"


def test_decode_refuses_a_closed_standard_input(run, model, fails, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input" in fails("decode", run)


def test_decode_reads_an_exported_version_too(tmp_path, model, capsys):
    version = tmp_path / "exported" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    assert cli.main(["decode", str(version), "A Cat"]) == 0
    assert capsys.readouterr().out == "a cat\n"


def test_a_folder_of_versions_asks_for_one(tmp_path, model, fails):
    for version in "21":
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    assert "holds the versions 1, 2; give the folder of one" in fails("decode", str(tmp_path), "x")


def test_a_folder_that_is_no_run_is_one_line(tmp_path, model, fails):
    assert "no folder" in fails("decode", str(tmp_path / "absent"), "x")


# evaluate


@pytest.fixture
def corpus(tmp_path):
    lines = [f"the cat number {number} sat" for number in range(8)]
    (tmp_path / "source").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "right").write_text("".join(f"{line[:20].upper()}\n" for line in lines))
    (tmp_path / "wrong").write_text("nothing like it at all\n" * 8)
    return tmp_path


def scores(folder):
    return json.loads((folder / "scores.json").read_text())


def test_evaluate_scores_against_any_of_several_references(corpus, run, model, capsys):
    output = corpus / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--output", str(output), "--reference"]
    assert cli.main([*command, f"{corpus}/wrong"]) == 0
    assert scores(output)["exact_match"] == 0
    assert cli.main([*command, f"{corpus}/wrong", f"{corpus}/right"]) == 0
    assert scores(output)["exact_match"] == 100
    out, err = capsys.readouterr()
    assert "100.0" in out
    assert err == ""


def test_evaluate_writes_hypotheses_and_scores(corpus, run, model, capsys):
    output = corpus / "new" / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--reference", f"{corpus}/wrong"]
    assert cli.main([*command, "--tokenize", "char", "--lowercase", "--output", str(output)]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["by_length.png", "hypotheses.txt", "scores.json"]
    assert (output / "by_length.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "hypotheses.txt").read_text() == (corpus / "right").read_text()
    assert "tok:char" in scores(output)["signature_bleu"]
    assert "case:lc" in scores(output)["signature_bleu"]
    assert capsys.readouterr().out.endswith(f"{output}\n")


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        (b"one line\n", ["8", "1"]),
        (b"x\n" * 7 + b"\xff\n", ["wrong", "8", "UTF-8"]),
    ],
)
def test_evaluate_refuses_files_that_do_not_go_together(reference, named, corpus, run, model, fails):
    (corpus / "wrong").write_bytes(reference)
    output = corpus / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--reference", f"{corpus}/wrong"]
    message = fails(*command, "--output", str(output))
    assert all(word in message for word in named)
    assert not output.exists()


def test_evaluate_knows_which_tokenizations_there_are(run, model, fails):
    message = fails("evaluate", run, "--source", "a", "--reference", "b", "--tokenize", "14a")
    assert "'14a'" in message
    assert "'13a'" in message


# export, plot, board


def test_export_prints_where(run, tmp_path, model, capsys):
    folder = tmp_path / "models" / "1"
    assert cli.main(["export", run, str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "checked.txt").read_text() == "None"


def test_export_checks_on_the_sentences_of_a_file(run, tmp_path, model):
    (tmp_path / "lines").write_text("a\n\nb c\n")
    assert cli.main(["export", run, str(tmp_path / "1"), "--check", str(tmp_path / "lines")]) == 0
    assert (tmp_path / "1" / "checked.txt").read_text() == "['a', 'b c']"


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("SVG", b"<?xml"), ("pdf", b"%PDF")])
def test_plot_writes_the_format_of_the_suffix(suffix, start, run, tmp_path, model, capsys):
    output = tmp_path / f"heatmap.{suffix}"
    assert cli.main(["plot", run, "a cat sat", "--output", str(output)]) == 0
    assert output.read_bytes().startswith(start)
    assert capsys.readouterr().out == f"{output}\n"


@pytest.mark.parametrize(
    ("sentence", "name", "named"),
    [("a cat", "heatmap.xyz", ".png"), ("a cat", "heatmap", ".png"), (" ", "heatmap.png", "sentence")],
)
def test_plot_refuses_what_it_cannot_draw(sentence, name, named, run, tmp_path, model, fails):
    assert named in fails("plot", run, sentence, "--output", str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_plot_says_that_the_folder_is_not_there(run, tmp_path, model, fails):
    message = fails("plot", run, "a cat", "--output", str(tmp_path / "absent" / "heatmap.png"))
    assert "absent" in message
    assert "No such file or directory" in message


def test_board_refuses_what_is_no_folder(tmp_path, fails):
    assert "absent" in fails("board", str(tmp_path / "absent"))


# The process: pipes and full disks


def help_into(stdout) -> tuple[int, str]:
    """The status and standard error of `--help`, its output buffered as in a pipe or a file."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "keras_attn", "--help"]
    result = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    return result.returncode, result.stderr


def test_a_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        assert help_into(pipe) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        assert help_into(full) == (2, f"keras-attn: error: {os.strerror(errno.ENOSPC)}\n")
