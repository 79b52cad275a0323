"""How fast is decoding beside CTranslate2, KerasHub and a loop without caches, with the same weights?

    python benchmarks/decoding_speed.py runs/RUN                          # everything
    python benchmarks/decoding_speed.py runs/RUN --only speed --beams 5 --rounds 9
    python benchmarks/decoding_speed.py runs/RUN --source my.txt --sentences 200

RUN is a trained Transformer; its test sentences are decoded if --source names no other. Strings go in and strings come
out on all sides; a run with a shortlist (`keras-attn shortlist`) has it used too, which may find other strings. All
sides run in one process, in turn, on two cores. CTranslate2 (`pip install 'keras_attn[ctranslate2]'`) has two threads
in all, two translators of one or one of two, whichever is faster, and like ours the best batch size of `batches`. A
rate is sentences per second, the median of all rounds; a ratio is theirs over ours in milliseconds, above 1 where ours
is faster, with the quartiles over the rounds.

equal:    greedy outputs of both; where they differ, the difference of log p of the first token that does. An output
          with which theirs begins is one that our limit for its sentence has cut.
latency:  one sentence at a time, both sides in turn: median and 99th percentile.
memory:   the peak of resident memory of a process that decodes, libraries included.
length:   milliseconds per token of outputs that do not end, by their length; of outputs that end at the shortest
          length, where they may and where they might have gone on to the longest; and KerasHub's samplers at 16
          (`pip install keras-hub==0.32.0`, left out where it is not installed).
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from decoding_growth import length, memory
from decoding_sides import Translate, apart, compiled, lines_of, ours, rerun, show, theirs
from in_turn import in_turn

from keras_attn.decoding import Shortlist
from keras_attn.export import to_ctranslate2
from keras_attn.quiet import import_tensorflow
from keras_attn.recipes import Run

THREADS = ((1, 2), (2, 1))
TIE = 1e-3  # of log p of one token


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Args:
        run: folder of a trained run of a Transformer.
        only: which part.
        source: sentences, one a line; the run's test sentences if None.
        sentences: how many of them.
        beams: widths, 1 is greedy.
        batches: sizes of a batch to choose from.
        rounds: timed runs of each side.
        lengths: of outputs, for `length`.
        xla: also with XLA.
    """

    run: tyro.conf.Positional[Path]
    only: Literal["all", "speed", "equal", "latency", "memory", "length"] = "all"
    source: Path | None = None
    sentences: int = 1000
    beams: tuple[int, ...] = (1, 5)
    batches: tuple[int, ...] = (32, 64, 128, 256)
    rounds: int = 7
    lengths: tuple[int, ...] = (16, 64, 256, 1024)
    xla: bool = True


def convert(run: Run, folder: Path) -> Path:
    """The run in CTranslate2's format; what it computes in is chosen when it is loaded."""
    model = run.config.model
    return to_ctranslate2(run.views, model.encoder, model.decoder, run.text, folder)


def milliseconds(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


def fastest(made: Iterator[tuple[str, Translate]], lines: list[str]) -> tuple[str, Translate]:
    """Of several ways to set a side up, the one that is fastest the second time."""
    tried = {}
    for name, translate in made:
        translate(lines)
        tried[name] = milliseconds(lambda: translate(lines)), translate  # noqa: B023  called here
    name = min(tried, key=lambda name: tried[name][0])
    return name, tried[name][1]


def sides(run: Run, folder: Path, beam: int, settings: Settings, lines: list[str]) -> dict[str, Translate]:
    """Every side at its best settings, which its name tells."""
    found = {}

    def best(name: str, made: Iterator[tuple[str, Translate]]) -> None:
        setting, found[name] = fastest(made, lines)
        print(f"beam {beam}, {name}: {setting} is best", flush=True)

    every = (False, True) if beam == 1 else (False,)  # a beam has scores anyway
    for scores in every:
        made = ((f"batches of {size}", ours(run, beam, size, scores)) for size in settings.batches)
        best("ours" + scores * ", with scores", made)
    if run.shortlist_file.exists():
        short = Shortlist.load(run.shortlist_file)
        best(
            "ours, shortlist",
            ((f"batches of {size}", ours(run, beam, size, False, short)) for size in settings.batches),
        )
    if settings.xla:
        few = settings.batches[1:3] or settings.batches  # each is compiled for every length
        best("ours, XLA", ((f"batches of {size}", compiled(run, beam, size)) for size in few))
    for compute, scores in [("float32", scores) for scores in every] + [("int8", False)]:
        tried = (
            (
                f"batches of {size}, {each[0]} x {each[1]} threads",
                theirs(run, folder, beam, size, compute, each, scores),
            )
            for size, each in itertools.product(settings.batches, THREADS)
        )
        best(f"CTranslate2, {compute}" + scores * ", with scores", tried)
    return found


def race(made: dict[str, Translate], lines: list[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of all sides, in turn."""

    def run(translate: Translate) -> Callable[[], list]:
        return lambda: translate(lines) and []

    return in_turn({name: (run(translate), []) for name, translate in made.items()}, rounds)


def speed(run: Run, folder: Path, settings: Settings, lines: list[str]) -> None:
    """Sentences per second of all sides."""
    for beam in settings.beams:
        times = race(sides(run, folder, beam, settings, lines), lines, settings.rounds)
        rows = list(rated(times, len(lines)))
        if beam == 1:
            few = lines[: max(1, len(lines) // 10)]
            plain = {"ours": ours(run, 1, 64), f"no cache ({len(few)} sentences)": rerun(run, 64)}
            rows += list(rated(race(plain, few, 3), len(few)))[1:]
        show(f"Beam {beam}" if beam > 1 else "Greedy", ["side", "sentences/s", "ours over it", "quartiles"], rows)


def rated(times: dict[str, list[float]], sentences: int) -> Iterator[tuple[str, ...]]:
    """A row for each side; the first one is what the others are compared with."""
    reference = next(iter(times.values()))
    for name, found in times.items():
        ratios = [theirs / ours for theirs, ours in zip(found, reference, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rate = 1000 * sentences / statistics.median(found)
        yield name, f"{rate:,.0f}", f"{middle:.2f}", "" if found is reference else f"{low:.2f} - {high:.2f}"


def equal(run: Run, folder: Path, lines: list[str]) -> None:
    """Whether greedy outputs are the same."""
    outputs = [translate(lines) for translate in (ours(run, 1, 64), theirs(run, folder, 1, 64))]
    # Ours has a limit for each sentence, theirs one for all: of what never ends it says more.
    cut = [bool(mine) and mine != other and other.startswith(mine) for mine, other in zip(*outputs, strict=True)]
    pairs = enumerate(zip(*outputs, strict=True))
    others = [index for index, (mine, other) in pairs if mine != other and not cut[index]]
    differences = [apart(run, lines[index], *(output[index] for output in outputs)) for index in others]
    ties = sum(difference < TIE for difference in differences)
    same = len(lines) - len(others) - sum(cut)
    alike = f"{same:,} of {len(lines):,} outputs are the same, {sum(cut)} cut by our limit"
    print(f"{alike}, {ties} of {len(others)} others ties")
    print("log p of the first token that differs:", ", ".join(f"{value:.1e}" for value in sorted(differences)) or "-")


def latency(run: Run, folder: Path, settings: Settings, lines: list[str]) -> None:
    """Milliseconds for one sentence at a time."""
    for beam in settings.beams:
        made = {"ours": ours(run, beam, 1)}
        made |= {f"CTranslate2, 1 x {each}": theirs(run, folder, beam, 1, threads=(1, each)) for each in (1, 2)}
        for translate in made.values():
            for line in lines[:20]:
                translate([line])
        times: dict[str, list[float]] = {name: [] for name in made}
        for line in lines:
            for name, translate in made.items():
                times[name].append(milliseconds(lambda: translate([line])))  # noqa: B023  called here
        rows = ((name, *(f"{np.percentile(found, q):.1f}" for q in (50, 99))) for name, found in times.items())
        show(
            f"One sentence, {f'beam {beam}' if beam > 1 else 'greedy'}", ["side", "median, ms", "99th percentile"], rows
        )


def main(settings: Settings) -> None:
    import_tensorflow(side_by_side=True)  # as `keras-attn decode` does
    run = Run.load(settings.run)
    lines = lines_of(run, settings.source, settings.sentences)
    with tempfile.TemporaryDirectory() as made:
        folder = convert(run, Path(made) / "model")
        parts: dict[str, Callable[[], None]] = {
            "speed": lambda: speed(run, folder, settings, lines),
            "equal": lambda: equal(run, folder, lines),
            "latency": lambda: latency(run, folder, settings, lines),
            "memory": lambda: memory(settings.run, folder, settings.beams, lines),
            "length": lambda: length(run, settings.beams, settings.lengths, settings.rounds),
        }
        for name, part in parts.items():
            if settings.only in ("all", name):
                part()


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
