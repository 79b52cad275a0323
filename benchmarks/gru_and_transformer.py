"""A recurrent translator and a Transformer on the same pairs, for the same minutes: who wins, and is it more than luck?

    D=$KERAS_ATTN_DATA/tatoeba_eng_fra
    python benchmarks/gru_and_transformer.py --train $D/train.eng.gz $D/train.fra.gz --valid $D/valid.eng.gz \
        $D/valid.fra.gz --test $D/test.eng.gz $D/test.fra.gz --output runs/eng-fra

Both recipes, `text-to-text` (GRU and Bahdanau's attention) and `text-to-text-transformer`, train side by side, each
with half of the cores and a rate that needs no end, and are then searched with the same beam. What is there from an
earlier call is not trained again. The table has BLEU and chrF2 of both with the 95 % interval of a bootstrap, and p of
the paired one (Koehn 2004), as sacreBLEU computes them; sources with several references are grouped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

RECIPES = {"GRU + Bahdanau": "text-to-text", "Transformer": "text-to-text-transformer"}
# The Transformer's recipe has these already; and XLA, which makes this no faster (docs/benchmarks.md).
RECURRENT = ["--training.epochs", "None", "--training.ema", "0.999"]
# As `transformer-tiny-fast` warms up: the recipe's 2,000 updates are nearly all that one core does in 20 minutes.
TRANSFORMER = ["--training.updates", "None", "--training.warmup", "600"]


@dataclass(frozen=True)
class Settings:
    """Args: train, valid, test: one TSV or two files each; minutes: of training, each; beam: of the search."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    output: Path
    minutes: float = 20.0
    tokenize: str = "13a"
    beam: int = 5
    updates_per_epoch: int = 500
    seed: int = 1
    resamples: int = 1000


def commands(settings: Settings) -> dict[str, list[str]]:
    """What trains each of the two."""
    files = [f"--data.{split}" for split in ("train", "valid", "test")]
    paths = zip(files, (settings.train, settings.valid, settings.test), strict=True)
    common = [word for name, given in paths for word in (name, *given)]
    common += ["--training.minutes", str(settings.minutes), "--training.tokenize", settings.tokenize]
    common += ["--training.schedule", "inverse_square_root"]
    common += ["--training.updates-per-epoch", str(settings.updates_per_epoch)]
    common += ["--search.beam", str(settings.beam), "--seed", str(settings.seed)]
    made = {}
    for name, recipe in RECIPES.items():
        own = RECURRENT if recipe == "text-to-text" else TRANSFORMER
        made[name] = [recipe, *common, *own, "--output", str(settings.output / recipe)]
    return made


def train(commands: dict[str, list[str]]) -> None:
    """Train what is not there, all at once; what was killed goes on.

    Args:
        commands: name -> arguments of `keras-attn train`, the last of which is the run's folder.
    """
    threads = str(max(1, len(os.sched_getaffinity(0)) // len(commands)))
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    begun = {}
    for name, command in commands.items():
        folder = Path(command[-1])
        if (folder / "finished").exists():
            continue
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.with_suffix(".txt"), "a") as log:
            words = [sys.executable, "-m", "keras_attn", "train", *command]
            begun[name] = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=environment)
            print(f"{name}: see {log.name}", flush=True)
    for name, process in begun.items():
        if process.wait():
            raise SystemExit(f"{name}: training ended with {process.returncode}")


def decode(settings: Settings) -> tuple[dict[str, list[str]], list[list[str | None]]]:
    """Outputs of both for the sources of test, and streams of references as sacreBLEU takes them."""
    from keras_attn.data import read_pairs
    from keras_attn.recipes import Run

    sources, references = read_pairs(*settings.test, group=True).references()
    most = max(len(several) for several in references)
    streams = [[several[i] if i < len(several) else None for several in references] for i in range(most)]
    runs = {name: Run.load(settings.output / recipe) for name, recipe in RECIPES.items()}
    return {name: run.decode(sources).text for name, run in runs.items()}, streams


def compare(outputs: dict[str, list[str]], streams: list[list[str | None]], settings: Settings) -> Table:
    """The table; the first output is what the others are compared with."""
    metrics = {"BLEU": BLEU(tokenize=settings.tokenize, references=streams), "chrF2": CHRF(references=streams)}
    test = PairedTest(list(outputs.items()), metrics, references=None, test_type="bs", n_samples=settings.resamples)
    signatures, scores = test()
    table = Table("model", *metrics, title=", ".join(f"{name} {signatures[name]}" for name in metrics))
    for row, name in enumerate(scores.pop("System")):
        cells = []
        for metric in metrics:
            result = scores[metric][row]
            p = "" if result.p_value is None else f", p = {result.p_value:.3f}"
            cells.append(f"{result.score:.1f} (mean {result.mean:.1f} ± {result.ci:.1f}{p})")
        table.add_row(name, *cells)
    return table


def main(settings: Settings) -> None:
    train(commands(settings))
    outputs, streams = decode(settings)
    Console(width=160).print(compare(outputs, streams, settings))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
