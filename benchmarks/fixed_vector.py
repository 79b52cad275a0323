"""Does attention help more on longer sentences? Trained runs side by side, by length of the source.

    for f in initial every_step; do
        keras-attn train multi30k-gru-tok --decoder.attention None --decoder.fixed-vector $f --output runs/tok-$f
    done
    python benchmarks/fixed_vector.py --source test.en --reference test.de --tokenize none \
        --runs attention=runs/multi30k-gru-tok initial=runs/tok-initial every-step=runs/tok-every_step \
        --output docs/fixed_vector.png

Prints one table (BLEU of each run in each range of source length, and what the first run gains over the others) and
draws the same as bars. The runs must have been trained with equal data and updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from keras_attn.data import read_pairs
from keras_attn.plots import by_length
from keras_attn.recipes import Run
from keras_attn.training import Evaluation, evaluate


@dataclass(frozen=True)
class Settings:
    """Args: runs: NAME=FOLDER, the first is what the others are compared with."""

    source: Path
    reference: Path
    runs: tuple[str, ...]
    tokenize: str = "13a"
    buckets: int = 5
    output: Path | None = None


def main(settings: Settings) -> None:
    pairs = list(read_pairs(settings.source, settings.reference, on_bad="refuse"))
    sources, references = [pair.source for pair in pairs], [[pair.target] for pair in pairs]
    results: dict[str, Evaluation] = {}
    for item in settings.runs:
        name, _, folder = item.partition("=")
        results[name] = evaluate(
            Run.load(folder).decode, sources, references, tokenize=settings.tokenize, buckets=settings.buckets
        )
    names = list(results)
    first = results[names[0]]
    table = Table(f"source {first.length_unit}", "sentences", *names, *(f"{names[0]} - {name}" for name in names[1:]))
    for index, bucket in enumerate(first.by_length):
        scores = [results[name].by_length[index].bleu for name in names]
        gains = [f"{scores[0] - score:+.1f}" for score in scores[1:]]
        table.add_row(f"{bucket.low}-{bucket.high}", str(bucket.count), *(f"{s:.1f}" for s in scores), *gains)
    scores = [results[name].bleu for name in names]
    gains = [f"{scores[0] - score:+.1f}" for score in scores[1:]]
    table.add_row("all", str(len(sources)), *(f"{s:.1f}" for s in scores), *gains, style="bold")
    Console(width=140).print(table)
    print(first.signature_bleu)
    if settings.output:
        by_length({name: result.by_length for name, result in results.items()}).savefig(settings.output, dpi=120)
        print(settings.output)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
