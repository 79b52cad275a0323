"""Stand-ins for what the command line calls."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from toy_recipe import Toy

from keras_attn import cli, opened_model
from keras_attn.errors import UserError


class Output(NamedTuple):
    text: list[str]
    score: np.ndarray
    truncated: np.ndarray


class Hypothesis(NamedTuple):
    text: str
    score: float
    truncated: bool = False


class Alignment(NamedTuple):
    source_tokens: list[str]
    target_tokens: list[str]
    weights: np.ndarray
    text: str = ""
    score: float = 0.0
    truncated: bool = False


class Upper:
    """A model that writes capitals, cuts after 20 characters, and notes the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.asked: dict[str, Any] = {}  # fields of the search
        self.n_best = 2  # as many as an exported model has
        self.lengths = None

    def __call__(self, sentences: list[str], batch_size: int = 64, scores: bool = True) -> Output:
        self.batches.append(sentences)
        score = [-len(sentence) / 8 if scores else np.nan for sentence in sentences]
        return Output(
            [sentence[:20].upper() for sentence in sentences],
            np.array(score, "float32"),
            np.array([len(sentence) > 20 for sentence in sentences]),
        )

    def hypotheses(self, sentences: list[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        return [
            [
                Hypothesis(f"{sentence} {place}" if place else sentence.upper(), -place / 2)
                for place in range(min(2, len(sentence)))
            ]
            for sentence in sentences
        ]

    def align(self, sentences: list[str], batch_size: int = 64) -> list[Alignment]:
        aligned = []
        for sentence, output in zip(sentences, zip(*self(sentences), strict=True), strict=True):
            words = sentence.split()
            aligned.append(Alignment(words, [word.upper() for word in words], np.eye(len(words)), *output))
        return aligned


class Lower(Upper):
    """Another model, that writes small letters."""

    def __call__(self, sentences: list[str], batch_size: int = 64, scores: bool = True) -> Output:
        return super().__call__(sentences)._replace(text=[sentence.lower() for sentence in sentences])


class Score(NamedTuple):
    tokens: list[str]
    log_p: list[float]
    truncated: bool = False

    @property
    def total(self) -> float:
        return sum(self.log_p)


class Scorer:
    """Finds every word as likely; asked for logits, it says "a" and is surer of it than right."""

    def __call__(self, sources: list[str], targets: list[str], temperature: float = 1.0) -> list[Score]:
        return [Score(target.split(), [-0.5 / temperature] * len(target.split())) for target in targets]

    def logits(self, sources: list[str], targets: list[str]) -> list[tuple]:
        labels = np.array([word != "a" for target in targets for word in target.split()], int)
        return [(np.tile([4.0, 0.0], (len(labels), 1)), labels)]


class Letters:
    """A vocabulary of small letters, from id 4 on."""

    size = 30

    def encode(self, strings: list[str]) -> list[np.ndarray]:
        return [np.array([ord(letter) - ord("a") + 4 for letter in string], "int32") for string in strings]


@pytest.fixture
def model(monkeypatch):
    """Stand in for the recipes and the exported models; gives the model that every run holds."""
    upper = Upper()

    class Run:
        translate, align, module = upper, upper.align, upper
        asked: ClassVar[dict] = {}

        score = Scorer()
        text = types.SimpleNamespace(source=Letters(), target=Letters())

        @classmethod
        def load(cls, folder, search=None, *, shortlist=False):
            if not Path(folder).is_dir():
                raise UserError(f"run: no folder {str(folder)!r}")
            cls.asked.update(search or {}, **({"shortlist": True} if shortlist else {}))
            found = cls()
            found.shortlist_file = Path(folder) / "shortlist.npz"
            return found

        def export(self, folder, lines=None, n_best=5):
            Path(folder).mkdir(parents=True)
            (Path(folder) / "checked.txt").write_text(repr(lines))
            (Path(folder) / "n_best.txt").write_text(repr(n_best))
            return Path(folder)

    def load(name):
        if name != "toy":
            raise UserError(f"recipe: no {name!r}; near: toy")
        return Toy

    def convert(run, folder, lines=None, quantization=None):
        run.export(folder, [*(lines or []), quantization])
        return Path(folder)

    def convert_lite(run, folder, lines=None, quantization=None):
        return convert(run, folder, [*(lines or []), "litert"], quantization)

    recipes = types.SimpleNamespace(NAMES={"toy": "Learn to shout."}, load=load, Run=Run)
    exported = types.SimpleNamespace(load=lambda folder: Lower())
    monkeypatch.setitem(sys.modules, "keras_attn.recipes", recipes)
    monkeypatch.setitem(sys.modules, "keras_attn.export", exported)
    run_export = types.SimpleNamespace(export_ctranslate2=convert, export_litert=convert_lite)
    monkeypatch.setitem(sys.modules, "keras_attn.recipes.run_export", run_export)
    commands = [sys.modules[command.__module__] for command in cli.COMMANDS.values()]
    for module in (opened_model, *(module for module in commands if hasattr(module, "import_tensorflow"))):
        monkeypatch.setattr(module, "import_tensorflow", lambda **_: None)
    upper.asked = Run.asked
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
