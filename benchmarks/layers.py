"""How fast are the attention layers beside those of Keras, and does a sliding window stay linear?

    python benchmarks/layers.py                           # everything, under 8 minutes on two idle cores
    python benchmarks/layers.py --only self --rounds 31   # what has "self" in its name

Each layer and its counterpart in Keras run in one process, in turn: float32, no dropout, the same threads, each with
XLA and without. The better of the two counts, for either side. Printed: medians in milliseconds; the ratio of medians,
Keras' time over ours, above 1 where ours is faster; and the quartiles of that ratio over the rounds. "backward" is
forward and all gradients, also of the inputs.

The sliding window: time of one training step by length, in turn; memory by length, each in a process of its own (the
peak of resident memory less what was there before the first call); and whether 16,384 positions pass in a process
that the kernel gives no more than 4 GiB of private memory (RLIMIT_DATA), beside the full matrix under the same mask.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import resource
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tyro
from in_turn import function, in_turn, timed
from resident import resident
from rich.console import Console
from rich.table import Table

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    DotScoring,
    GroupedQueryAttention,
    MultiHeadAttention,
    MultiQueryAttention,
    SlidingWindowAttention,
)

GIB = 2**30


@dataclass(frozen=True)
class Settings:
    """Args: only, rounds, seed: which rows (a part of the name), how often each is timed, the seed of the inputs."""

    only: str = ""
    rounds: int = 15
    seed: int = 1


@dataclass(frozen=True)
class Case:
    """A layer and its counterpart: both are called with the tensors, and own the variables."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    ours: keras.layers.Layer
    theirs: keras.layers.Layer
    call_ours: Callable[..., Any]
    call_theirs: Callable[..., Any]


class Projected(keras.layers.Layer):
    """Keras' additive attention with the projections W and U that Bahdanau's has."""

    def __init__(self, units: int):
        super().__init__()
        self.query, self.key = (keras.layers.Dense(units, use_bias=False) for _ in range(2))
        self.attention = keras.layers.AdditiveAttention()

    def call(self, query: Any, value: Any) -> Any:
        return self.attention([self.query(query), value, self.key(value)])


def itself(layer: Any, x: Any) -> Any:
    return layer(x, x)


def causal(layer: Any, x: Any) -> Any:
    return layer(x, x, use_causal_mask=True)


def padded(layer: Any, x: Any) -> Any:
    return layer(x, x, attention_mask=tf.sequence_mask(tf.linspace(16, 32, 64), 32)[:, None])


def other(layer: Any, query: Any, value: Any) -> Any:
    return layer(query, value)


def weighed(layer: Any, query: Any, value: Any) -> Any:
    return layer(query, value, return_attention_scores=True)


def listed(layer: Any, query: Any, value: Any) -> Any:
    return layer([query, value])


def cases() -> Iterator[Case]:
    """Every layer that has a counterpart in Keras, on equal work."""
    its = keras.layers

    def heads(name: str, call: Callable, *shapes: tuple[int, ...]) -> Case:
        return Case(name, shapes, MultiHeadAttention(8, 64), its.MultiHeadAttention(8, 64), call, call)

    yield heads("self-attention 64 x 32", itself, (64, 32, 512))
    yield heads("self-attention 8 x 512", itself, (8, 512, 512))
    yield heads("causal self-attention 8 x 512", causal, (8, 512, 512))
    yield heads("masked self-attention 64 x 32", padded, (64, 32, 512))
    yield heads("cross-attention 64 x 32 x 47", other, (64, 32, 512), (64, 47, 512))
    yield heads("the same, with weights", weighed, (64, 32, 512), (64, 47, 512))
    two = ((8, 512, 512), (8, 512, 512))
    for name, ours, groups in (
        ("grouped", GroupedQueryAttention(8, 2, 64), 2),
        ("multi", MultiQueryAttention(8, 64), 1),
    ):
        yield Case(f"{name}-query 8 x 512", two, ours, its.GroupQueryAttention(64, 8, groups), other, other)
    two = ((64, 23, 256), (64, 31, 256))
    yield Case("additive 64 x 23 x 31", two, Attention(AdditiveScoring(256)), Projected(256), other, other)
    two = ((64, 128, 256), (64, 128, 256))
    yield Case("dot 64 x 128 x 128", two, Attention(DotScoring()), its.Attention(), other, listed)
    ours, full = SlidingWindowAttention(8, 64, window=128), its.MultiHeadAttention(8, 64, sliding_window=129)
    yield Case("sliding window 1 x 2048, 128", ((1, 2048, 512),), ours, full, itself, itself)


def compare(case: Case, backward: bool, settings: Settings) -> tuple[str, ...]:
    """A row of the table."""
    random = np.random.default_rng(settings.seed)
    inputs = [tf.constant(random.normal(size=shape), "float32") for shape in case.shapes]
    sides = {"ours": (case.ours, case.call_ours), "theirs": (case.theirs, case.call_theirs)}
    for layer, call in sides.values():
        call(layer, *inputs)
    runs = {(s, jit): (function(*sides[s], backward, jit), inputs) for s in sides for jit in (False, True)}
    times = in_turn(runs, settings.rounds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    best = {side: min((False, True), key=lambda jit: medians[side, jit]) for side in sides}
    ratios = [t / o for t, o in zip(times["theirs", best["theirs"]], times["ours", best["ours"]], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    ratio = medians["theirs", best["theirs"]] / medians["ours", best["ours"]]
    shown = [f"{medians[side, False]:.1f} / {medians[side, True]:.1f}" for side in sides]
    return case.name, "backward" if backward else "forward", *shown, f"{ratio:.2f}", f"{low:.2f} - {high:.2f}"


# The sliding window


def sliding(length: int, full: bool = False) -> tuple[Callable, list[tf.Tensor]]:
    """A training step of (1, length, 256), 4 heads, 64 to each side; `full` has the matrix and a mask."""
    layer = MultiHeadAttention(4, 64) if full else SlidingWindowAttention(4, 64, window=64)

    def call(layer: Any, x: tf.Tensor) -> Any:
        if not full:
            return layer(x, x)
        place = tf.range(length)
        return layer(x, x, attention_mask=abs(place[:, None] - place)[None] <= 64)

    x = tf.constant(np.random.default_rng(0).normal(size=(1, length, 256)), "float32")
    layer.build((None, None, 256), (None, None, 256))
    return function(layer, call, backward=True, jit=False), [x]


def _alone(length: int, full: bool, limit: int, found: Any) -> None:
    timed(*sliding(128, full))  # libraries and thread pools are there before anything counts
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # nor can the step live on what was freed
    before = resident("VmRSS")
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        timed(*sliding(length, full))
    except (MemoryError, tf.errors.ResourceExhaustedError):
        return found.put(None)
    return found.put(resident("VmHWM") - before)


def alone(length: int, full: bool = False, limit: int = 0) -> int | None:
    """Peak memory in bytes of a step in a process of its own; None if it did not survive the limit."""
    context = multiprocessing.get_context("spawn")
    found = context.SimpleQueue()
    process = context.Process(target=_alone, args=(length, full, limit, found))
    process.start()
    process.join()
    return found.get() if process.exitcode == 0 else None


def windows(settings: Settings) -> Iterator[tuple[str, ...]]:
    """Rows of time and memory by length, then those of the limit."""
    lengths = (1024, 2048, 4096, 8192)
    times = in_turn({length: sliding(length) for length in lengths}, settings.rounds)
    memory = {length: alone(length) for length in lengths}
    first_time, first_memory = statistics.median(times[1024]), memory[1024] or 0
    for length in lengths:
        median, peak = statistics.median(times[length]), memory[length] or 0
        more = f"{median / first_time:.1f}", f"{peak / 2**20:.0f} MiB", f"{peak / first_memory:.1f}"
        yield f"sliding window {length:,}", f"{median:.0f}", *more
    for name, full in (("sliding window", False), ("full matrix, masked", True)):
        peak = alone(16384, full, limit=4 * GIB)
        yield f"{name} 16,384, in 4 GiB", "", "", f"{peak / 2**20:.0f} MiB" if peak else "out of memory", ""


def show(title: str, header: list[str], rows: Iterator[tuple[str, ...]]) -> None:
    table = Table(*header, title=title)
    for row in rows:
        print("\t".join(row), flush=True)
        table.add_row(*row)
    if table.row_count:
        Console(width=120).print(table)


def main(settings: Settings) -> None:
    keras.utils.set_random_seed(settings.seed)
    rows = (
        compare(case, backward, settings)
        for case in cases()
        if settings.only in case.name
        for backward in (False, True)
    )
    header = ["layer", "", "ours, ms: plain / XLA", "Keras, ms: plain / XLA", "ratio", "quartiles"]
    show("Beside Keras: better of plain and XLA on either side", header, rows)
    if settings.only in "sliding window linear":
        header = ["training step of (1, length, 256)", "ms", "times 1,024", "memory", "times 1,024"]
        show("The sliding window by length", header, windows(settings))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
