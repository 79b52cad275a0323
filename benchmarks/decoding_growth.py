"""How memory and time of decoding grow, for `decoding_speed.py`."""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from decoding_hub import hub
from decoding_sides import alone, ours, search, show, theirs
from in_turn import in_turn
from resident import resident

from keras_attn.decoding import ReadyStep
from keras_attn.export.one_thread import graph
from keras_attn.recipes import Run


def _alone(found: Any, side: str, run: Path, folder: Path, beam: int, lines: list[str]) -> None:
    opened = Run.load(run)
    translate = ours(opened, beam, 64) if side == "ours" else theirs(opened, folder, beam, 64)
    before = resident("VmRSS")
    translate(lines)
    found.put((before, resident("VmHWM")))


def memory(run: Path, folder: Path, beams: Sequence[int], lines: list[str]) -> None:
    """MiB of a process that decodes; both have TensorFlow in them, since a run is loaded for its tokenizer."""
    context, rows = multiprocessing.get_context("spawn"), []
    for beam, side in itertools.product(beams, ("ours", "CTranslate2, float32")):
        found = context.SimpleQueue()
        process = context.Process(target=_alone, args=(found, side, run, folder, beam, lines))
        process.start()
        process.join()
        before, peak = found.get()
        rows.append((f"{side}, beam {beam}", f"{(peak - before) / 2**20:,.0f}", f"{peak / 2**20:,.0f}"))
    show("Memory", ["side", "MiB more than before", "MiB at the peak"], rows)


def endless(run: Run, beam: int, length: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Ours over ids, with outputs that go on to the limit: there is no end token."""

    more: dict[str, Any] = {"scored": False} if beam == 1 else {}  # KerasHub's greedy search has none

    @graph(tf.TensorSpec((None, None), "int32"))
    def decode(source: tf.Tensor) -> tf.Tensor:
        encoded = run.views.encoder(source, training=False)
        limit = tf.fill([tf.shape(source)[0]], length)
        return search(beam, end=-1, **more)(ReadyStep(run.views), encoded["memory"], encoded["state"], limit).ids

    return alone(decode)


def length(run: Run, beams: Sequence[int], lengths: Sequence[int], rounds: int, batch: int = 16) -> None:
    """Milliseconds per token by the output's length, and KerasHub beside it."""
    source = tf.constant(np.random.default_rng(0).integers(4, run.text.source.size, (batch, 16)), tf.int32)
    for beam in beams:
        runs: dict[str, Any] = {f"ours, {size}": (endless(run, beam, size), [source]) for size in lengths}
        if importlib.util.find_spec("keras_hub"):
            sizes = run.config.model.encoder, run.config.model.decoder, run.text.target.size
            runs |= {"KerasHub, 16": (hub(*sizes, beam, 16), [source])}
            runs |= {"KerasHub, XLA, 16": (hub(*sizes, beam, 16, jit=True), [source])}
        times = in_turn(runs, rounds)
        rows = [(name, f"{statistics.median(found) / int(name.split()[-1]):.2f}") for name, found in times.items()]
        show(f"Beam {beam}, {batch} sentences: length", ["side, tokens", "ms per token"], rows)
