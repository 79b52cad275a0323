"""The page of the leaderboard: equation, heatmap and score of each mechanism, side by side."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_attn.bench.entries import BASE, BY_NAME, ENCODER, Entry
from keras_attn.bench.tasks import TASKS

if TYPE_CHECKING:
    from keras_attn.bench.trial import Result, Training

PARTS = {
    "source": "Without attention",
    "scoring": "Scoring: how well query and key match",
    "query": "Query: who asks",
    "weighing": "Weighing: from scores to weights",
    "window": "Window: where it may look",
    "fusion": "Fusion: how what was read enters the step",
}


def page(results: Sequence[Result], training: Training, versions: str, command: str, pictures: str) -> str:
    """Markdown.

    Args:
        results: of any number of mechanisms, tasks and seeds.
        training: how long each was trained.
        versions: of what it ran on, and the date.
        command: that makes this page.
        pictures: folder of the heatmaps, relative to the page.
    """
    names = [name for name in BY_NAME if any(result.entry == name for result in results)]
    tasks = [task for task in TASKS if any(result.task == task for result in results)]
    seeds = sorted({result.seed for result in results})
    lines = [
        "# Mechanisms side by side",
        "",
        f"Written by `{command}`; do not edit. {versions}.",
        "",
        f"One small model: a bidirectional GRU encoder ({2 * ENCODER['units']} wide), a GRU decoder "
        f"({BASE['units']} units) and additive attention asked by the previous state. In each row one part of the "
        f"decoder is another (`RNNDecoder`). Each is trained on each task with {training.updates} updates of "
        f"{training.batch} fresh examples, Adam, peak rate {training.peak:g}, seed"
        f"{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}. The score is the percentage of 500 unseen sequences "
        "of which every symbol is right; seconds are those of training on one core, mean over tasks, without building "
        "and compiling, of the fastest seed: compare them within this page only.",
        "",
        *(f"- **{task}**: {TASKS[task].asks}" for task in tasks),
        "",
        f"| mechanism | {' | '.join(tasks)} | seconds | parameters |",
        f"|---|{'---:|' * (len(tasks) + 2)}",
        *(_row(name, [r for r in results if r.entry == name], tasks) for name in names),
        "",
        "Heatmaps: one unseen example of each task, the source from left to right, what is written from top to bottom, "
        "`$` the end, `|` the separator; black is 1.",
        "",
    ]
    for part, title in PARTS.items():
        entries = [BY_NAME[name] for name in names if BY_NAME[name].part == part]
        if entries:
            lines += [f"## {title}", ""]
        for entry in entries:
            lines += _section(entry, [r for r in results if r.entry == entry.name], tasks, pictures)
    return "\n".join(lines)


def _row(name: str, results: list[Result], tasks: list[str]) -> str:
    cells = [_percent([r.right for r in results if r.task == task]) for task in tasks]
    # Other work on the machine only ever adds time, so the fastest seed says most.
    seconds = min(statistics.mean(r.seconds for r in results if r.seed == seed) for seed in {r.seed for r in results})
    return f"| [{name}](#{name}) | {' | '.join(cells)} | {seconds:.1f} | {results[0].parameters:,} |"


def _percent(shares: list[float]) -> str:
    mean = f"{100 * statistics.mean(shares):.1f}"
    return mean if len(shares) == 1 else f"{mean} ± {100 * statistics.stdev(shares):.1f}"


def _section(entry: Entry, results: list[Result], tasks: list[str], pictures: str) -> list[str]:
    scores = ", ".join(f"{task} {_percent([r.right for r in results if r.task == task])}" for task in tasks)
    settings = ", ".join(f"{name}={value!r}" for name, value in entry.settings.items())
    return [
        f"### {entry.name}",
        "",
        f"$${entry.equation}$$",
        "",
        f"{entry.source}. `RNNDecoder({settings})`. {scores}.",
        *([f"Expected: {entry.theory}."] if entry.theory else []),
        "",
        *([f"![{entry.name}]({pictures}/{entry.name}.png)", ""] if any(r.weights for r in results) else []),
    ]
