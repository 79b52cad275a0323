"""How do time and memory of a training step grow with length and width, for a Transformer and a recurrent network?

    python benchmarks/growth.py                             # table, and docs/growth.png
    python benchmarks/growth.py --lengths 32 512 --widths --rounds 3 --output growth.png

Every batch has 2,048 tokens a side (64 sentences of 32, one of 2,048), so a step of the same work for each token would
cost the same at all lengths. Transformer: 4 + 4 layers, feed-forward twice the width, 4 heads. Recurrent: a
bidirectional GRU and a GRU decoder with additive attention, units and word vectors as wide. float32, vocabulary of
1,000, dropout as it comes, Adam, no padding; without XLA, which has no gradient for loops of unknown length.

Times are medians, all networks in turn in one process. Memory is weights, Adam's two moments, and what two updates add
in a process of their own: the peak of resident memory less what was there before. A process gets no more than `limit`
GiB (RLIMIT_DATA); what needs more has neither memory nor time in the table.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import resource
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
import tyro
from in_turn import in_turn, timed
from resident import resident
from rich.console import Console
from rich.table import Table

from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.training import SmoothedCrossEntropy
from keras_attn.training.optimizers import make_optimizer
from keras_attn.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("GRU with attention", "Transformer")
VOCABULARY = 1000
GIB = 2**30


@dataclass(frozen=True)
class Settings:
    """Which points.

    Args:
        lengths: of source and target, at the first width.
        widths: at the first length.
        length, width: where the other is varied.
        tokens: of one side of a batch.
        rounds: timed updates.
        limit: GiB that a process may have.
        output: the picture.
    """

    lengths: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048)
    widths: tuple[int, ...] = (128, 256, 512, 1024)
    length: int = 32
    width: int = 128
    tokens: int = 2048
    rounds: int = 7
    limit: float = 12.0
    output: Path = Path("docs/growth.png")


@dataclass(frozen=True)
class Point:
    """What one network costs at a length and a width: milliseconds and bytes, None where it did not fit."""

    kind: str
    length: int
    width: int
    milliseconds: float | None
    memory: int | None


def step(kind: str, length: int, width: int, tokens: int) -> tuple[Callable, list[tf.Tensor], int]:
    """A training step as a graph, its batch, and the bytes of weights and moments."""
    if kind == KINDS[0]:
        sizes: dict[str, Any] = {"units": width, "embedding": width}
        views = seq2seq(RNNEncoder(**sizes), RNNDecoder(**sizes), VOCABULARY, VOCABULARY)
    else:
        sizes = {"width": width, "feed_forward": 2 * width}
        views = seq2seq(TransformerEncoder(**sizes), TransformerDecoder(**sizes), VOCABULARY, VOCABULARY)
    model, loss = views.training, SmoothedCrossEntropy(0.1)
    optimizer = make_optimizer("adam", 1e-3, model.trainable_variables, clip_norm=1.0)
    optimizer.build(model.trainable_variables)
    batch = max(1, tokens // length), length
    source, target, labels = np.random.default_rng(0).integers(3, VOCABULARY, (3, *batch), "int32")

    def update(source: tf.Tensor, target: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(labels, model({"source": source, "target": target}, training=True))
        weights = model.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return value

    unknown = tf.TensorSpec((None, None), "int32")
    graph = tf.function(update, input_signature=[unknown] * 3, autograph=False)
    kept = sum(variable.value.numpy().nbytes for variable in (*model.variables, *optimizer.variables))
    return graph, [tf.constant(ids) for ids in (source, target, labels)], kept


def _alone(found: Any, limit: int, *point: Any) -> None:
    timed(*step(point[0], 2, 4, 4)[:2])  # libraries and thread pools are there before anything counts
    run, inputs, kept = step(*point)
    run.get_concrete_function()  # the graph is no part of the step
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # nor can the step live on what was freed
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        for _ in range(2):
            timed(run, inputs)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        return found.put(None)
    return found.put(kept + resident("VmHWM") - before)


def memory(limit: int, kind: str, length: int, width: int, tokens: int) -> int | None:
    """Peak memory in bytes of steps in a process of its own; None if it did not survive the limit."""
    context = multiprocessing.get_context("spawn")
    found = context.SimpleQueue()
    process = context.Process(target=_alone, args=(found, limit, kind, length, width, tokens))
    process.start()
    process.join()
    return found.get() if process.exitcode == 0 else None


def points(settings: Settings) -> list[Point]:
    """Measure both networks at every point, once where the two series meet."""
    places = [(length, settings.width) for length in settings.lengths]
    places += [(settings.length, width) for width in settings.widths]
    peaks: dict[tuple[str, int, int], int | None] = {}
    runs = {}
    for length, width in dict.fromkeys(places):
        for kind in KINDS:
            peak = peaks[kind, length, width] = memory(int(settings.limit * GIB), kind, length, width, settings.tokens)
            shown = f"{peak / 2**20:,.0f} MiB" if peak else "too large"
            print(f"{kind}, length {length:,}, width {width:,}: {shown}", flush=True)
            if peak:
                runs[kind, length, width] = step(kind, length, width, settings.tokens)[:2]
    times = in_turn(runs, settings.rounds)
    return [Point(*point, statistics.median(times[point]) if peak else None, peak) for point, peak in peaks.items()]


def table(found: list[Point], axis: str, settings: Settings) -> Table:
    """One series: a row for each length, or each width."""
    header = [axis, *(f"{kind}: {what}" for kind in KINDS for what in ("ms", "MiB"))]
    made = Table(*header, title=f"Training step of {settings.tokens:,} tokens by {axis}")
    for value in settings.lengths if axis == "length" else settings.widths:
        row = [f"{value:,}"]
        for point in series(found, axis, settings):
            if getattr(point, axis) == value:
                row += (
                    ["too large"] * 2
                    if point.memory is None
                    else [f"{point.milliseconds:,.0f}", f"{point.memory / 2**20:,.0f}"]
                )
        made.add_row(*row)
    return made


def series(found: list[Point], axis: str, settings: Settings) -> list[Point]:
    """The points along an axis."""
    if axis == "length":
        return [point for point in found if point.width == settings.width and point.length in settings.lengths]
    return [point for point in found if point.length == settings.length and point.width in settings.widths]


def picture(found: list[Point], settings: Settings) -> Figure:
    """Time above, memory below; by length on the left, by width on the right; both axes logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(8.0, 5.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    for column, axis in enumerate(("length", "width")):
        for row, (what, unit, scale) in enumerate((("milliseconds", "ms a step", 1), ("memory", "MiB", 2**20))):
            axes = grid[row][column]
            for kind in KINDS:
                fits = [p for p in series(found, axis, settings) if p.kind == kind and getattr(p, what)]
                axes.plot([getattr(p, axis) for p in fits], [getattr(p, what) / scale for p in fits], "o-", label=kind)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.yaxis.set_minor_locator(NullLocator())
            axes.grid(True, alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            if column == 0:
                axes.set_ylabel(unit)
        ticks = settings.lengths if axis == "length" else settings.widths
        grid[1][column].set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        rest = f"width {settings.width}" if axis == "length" else f"length {settings.length}"
        grid[1][column].set_xlabel(f"{axis} ({rest})")
    grid[0][0].legend(frameon=False)
    return figure


def main(settings: Settings) -> None:
    tf.get_logger().setLevel("ERROR")  # twenty functions of one code are not traced anew: each is another network
    found = points(settings)
    for axis, values in (("length", settings.lengths), ("width", settings.widths)):
        if values:
            Console(width=120).print(table(found, axis, settings))
    with whole_file(settings.output) as path:
        picture(found, settings).savefig(path, format="png")


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
