"""Does what a sentence becomes depend on the sentences beside it?

    python benchmarks/decoding_company.py runs/RUN                     # 1,000 of its test sentences
    python benchmarks/decoding_company.py runs/RUN --source my.txt --beams 1 5

Each sentence is decoded in a batch of 64, alone, and beside one that is twice as long, so that half of what is read of
it is padding. An output that differs from the first is a tie if the log p of the first token that differs, or of the
whole, is the same within 1e-4: rounding decides between two equally good outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from decoding_sides import apart, lines_of, search, show

from keras_attn.export import Output, TextToText
from keras_attn.recipes import Run

TIE = 1e-4


@dataclass(frozen=True)
class Settings:
    """Args: run: folder; source: sentences, the run's test sentences if None; sentences: of them; beams: widths."""

    run: tyro.conf.Positional[Path]
    source: Path | None = None
    sentences: int = 1000
    beams: tuple[int, ...] = (1, 5)


def beside_long(translate: TextToText, lines: Sequence[str]) -> Output:
    """Each with itself, twice."""
    found = [translate([f"{line} {line}", line], 2) for line in lines]
    score, truncated = (np.array([getattr(one, name)[1] for one in found]) for name in ("score", "truncated"))
    return Output([one.text[1] for one in found], score, truncated)


COMPANY: dict[str, Callable[[TextToText, Sequence[str]], Output]] = {
    "alone": lambda translate, lines: translate(lines, 1),
    "padded to twice its length": beside_long,
}


def compare(run: Run, lines: Sequence[str], first: Output, other: Output) -> tuple[int, int, float]:
    """How many are equal, how many others are ties, and the largest difference of score among equal ones."""
    equal = np.array([one == two for one, two in zip(first.text, other.text, strict=True)])
    ties = 0
    for index in np.flatnonzero(~equal):
        whole = abs(first.score[index] - other.score[index])
        ties += min(whole, apart(run, lines[index], first.text[index], other.text[index])) < TIE
    return int(equal.sum()), int(ties), float(np.abs(first.score - other.score)[equal].max(initial=0.0))


def main(settings: Settings) -> None:
    run = Run.load(settings.run)
    lines = lines_of(run, settings.source, settings.sentences)
    model, rows = run.config.model, []
    for beam in settings.beams:
        limits = {"max_source_length": model.max_source_length, "length_factor": model.length_factor}
        translate = TextToText(run.views, run.text, search(beam), **limits)
        first = translate(lines, 64)
        for name, decode in COMPANY.items():
            equal, ties, largest = compare(run, lines, first, decode(translate, lines))
            rows.append((str(beam), name, f"{equal:,} of {len(lines):,}", str(ties), f"{largest:.1e}"))
            print(*rows[-1], flush=True)
    show("Beside a batch of 64", ["beam", "decoded", "same string", "ties", "scores of equal ones within"], rows)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
