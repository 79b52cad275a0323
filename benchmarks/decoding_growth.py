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
from keras_attn.text.vocabulary import END


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


class Ending:
    """A step after which every output has ended, and none before it."""

    def __init__(self, step: Any, length: int):
        self._step, self._last = step, length - 1
        self.shares_memory = step.shares_memory

    def __call__(self, told: dict[str, Any], **more: Any) -> dict[str, Any]:
        out = self._step(told, **more)
        sure = tf.where(told["position"] == self._last, 1e4, -1e4)
        return {**out, "logits": out["logits"] + sure * tf.one_hot(END, out["logits"].shape[-1])}


def ending(run: Run, beam: int, length: int, limit: int | None = None) -> Callable[[tf.Tensor], tf.Tensor]:
    """Ours over ids, with outputs of `length` tokens.

    Args:
        run: the model.
        beam: width, 1 is greedy.
        length: of every output, its end included.
        limit: how long it might have become; if None, `length`, and there is no end.
    """
    more: dict[str, Any] = {"scored": False} if beam == 1 else {}  # KerasHub's greedy search has none
    more |= {"end": -1} if limit is None else {}

    @graph(tf.TensorSpec((None, None), "int32"))
    def decode(source: tf.Tensor) -> tf.Tensor:
        encoded = run.views.encoder(source, training=False)
        step = ReadyStep(run.views)
        most = tf.fill([tf.shape(source)[0]], limit or length)
        asked = step if limit is None else Ending(step, length)
        return search(beam, **more)(asked, encoded["memory"], encoded["state"], most).ids

    return alone(decode)


def length(run: Run, beams: Sequence[int], lengths: Sequence[int], rounds: int, batch: int = 16) -> None:
    """Milliseconds per token by the output's length and by the longest there might be, and KerasHub beside it."""
    source = tf.constant(np.random.default_rng(0).integers(4, run.text.source.size, (batch, 16)), tf.int32)
    short, most = min(lengths), max(lengths)
    for beam in beams:
        made = {f"ours, {size}": (ending(run, beam, size), size) for size in lengths}
        made |= {
            f"ours, ends at {short} of {limit}": (ending(run, beam, short, limit), short) for limit in (short, most)
        }
        if importlib.util.find_spec("keras_hub"):
            sizes = run.config.model.encoder, run.config.model.decoder, run.text.target.size
            made["KerasHub, 16"] = hub(*sizes, beam, 16), 16
            made["KerasHub, XLA, 16"] = hub(*sizes, beam, 16, jit=True), 16
        times = in_turn({name: (call, [source]) for name, (call, _) in made.items()}, rounds)
        rows = [(name, f"{statistics.median(found) / made[name][1]:.2f}") for name, found in times.items()]
        show(f"Beam {beam}, {batch} sentences: length", ["side, tokens", "ms per token"], rows)
