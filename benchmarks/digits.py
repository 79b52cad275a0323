"""Does attention help a small convolutional net to read a digit among clutter?

    python benchmarks/digits.py                                # nine nets, five seeds each: about eight minutes
    python benchmarks/digits.py --nets none CBAM --seeds 1     # two of them, once
    python benchmarks/digits.py --noise 0 --clutter 0          # a digit alone, anywhere on the canvas

The 1,797 digits of 8x8 pixels that come with scikit-learn are dealt once, by seed 0, to training (1,000), validation
(397) and test (400). Each is put anywhere on a canvas of 16x16 pixels, among fragments of other digits of its own
part and under noise, so that a net has to find out where to look; from each digit of training several such pictures
are made. All pictures are drawn from seed 0 too: a net's seed changes its first weights and its order of batches only.

Every net is convolution, normalization, relu three times, with 2x2 max pooling between them, and a mean over what is
left. The attention stands after each relu. All have the same updates, plain `compile` and `fit`; nothing is chosen by a
net's own score: the last weights count, once on validation, once on test. "none, wider" is the net without attention
with more channels, to tell attention from mere size. Time is CPU time of the process for an update after the first
epoch, beside that of the net without attention.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import keras
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from keras_attn.errors import UserError
from keras_attn.layers import (
    CBAM,
    ChannelAttention,
    EfficientChannelAttention,
    NonLocalBlock,
    ResidualAttention,
    SpatialAttention,
    SqueezeExcitation,
)

SPLIT = {"train": 1000, "valid": 397, "test": 400}
CANVAS, FRAGMENT, REDUCTION = 16, 5, 4

NETS: dict[str, Callable[[], keras.layers.Layer] | None] = {
    "none": None,
    "none, wider": None,
    "squeeze-excitation": lambda: SqueezeExcitation(REDUCTION),
    "efficient channel attention": EfficientChannelAttention,
    "channel attention": lambda: ChannelAttention(REDUCTION),
    "spatial attention": SpatialAttention,
    "CBAM": lambda: CBAM(REDUCTION),
    "residual attention": lambda: ResidualAttention(depth=2),
    "non-local block": NonLocalBlock,
}


@dataclass(frozen=True)
class Settings:
    """Args: nets, seeds: what is compared. noise: its deviation, where ink is 1. clutter: fragments on a canvas.

    copies: pictures made of each digit of training. epochs, batch, rate, channels, wider: how, and of what size,
    nets are trained. processes: trained side by side, of one thread each.
    """

    nets: tuple[str, ...] = tuple(NETS)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    noise: float = 0.1
    clutter: int = 2
    copies: int = 10
    epochs: int = 6
    batch: int = 100
    rate: float = 0.003
    channels: int = 16
    wider: int = 24
    processes: int = 2


@dataclass(frozen=True)
class Result:
    net: str
    seed: int
    weights: int
    valid: float
    test: float
    train: float
    milliseconds: float


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 8, 8) with ink from 0 to 1, and labels (1797,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError('the digits come with scikit-learn: pip install "keras_attn[benchmarks]"') from error
    loaded = load_digits()
    return loaded.images / 16, loaded.target.astype("int32")


def pictures(settings: Settings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Canvases (count, 16, 16, 1) and labels (count,) of each part."""
    images, labels = digits()
    random = np.random.default_rng(0)
    order, parts, start = random.permutation(len(images)), {}, 0
    for part, count in SPLIT.items():
        mine = order[start : start + count]
        start += count
        drawn = np.repeat(mine, settings.copies if part == "train" else 1)
        canvases = np.stack([canvas(images[i], images[mine], settings, random) for i in drawn])
        parts[part] = canvases[..., None].astype("float32"), labels[drawn]
    return parts


def canvas(digit: np.ndarray, others: np.ndarray, settings: Settings, random: np.random.Generator) -> np.ndarray:
    """One digit anywhere, fragments of others anywhere, noise everywhere."""
    board = np.zeros((CANVAS, CANVAS))

    def put(piece: np.ndarray) -> None:
        side = len(piece)
        top, left = random.integers(0, CANVAS - side + 1, 2)
        place = board[top : top + side, left : left + side]
        np.maximum(place, piece, out=place)

    for _ in range(settings.clutter):
        top, left = random.integers(0, 8 - FRAGMENT + 1, 2)
        put(others[random.integers(len(others))][top : top + FRAGMENT, left : left + FRAGMENT])
    put(digit)
    return board + settings.noise * random.normal(size=board.shape)


def build(net: str, settings: Settings) -> keras.Model:
    attention = NETS[net]
    channels = settings.wider if net == "none, wider" else settings.channels
    x = inputs = keras.Input((CANVAS, CANVAS, 1))
    for block in range(3):
        x = keras.layers.MaxPooling2D()(x) if block else x
        x = keras.layers.Conv2D(channels * min(block + 1, 2), 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
        x = attention()(x) if attention else x
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x)))


class CpuTime(keras.callbacks.Callback):
    """CPU seconds of the epochs after the first, in which nothing is compiled any more."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begun = time.process_time()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds += (time.process_time() - self.begun) if epoch else 0.0


def run(net: str, seed: int, settings: Settings) -> Result:
    """Train one net; score it once."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    parts = pictures(settings)
    model, clock = build(net, settings), CpuTime()
    updates = len(parts["train"][0]) // settings.batch
    rate = keras.optimizers.schedules.CosineDecay(settings.rate, updates * settings.epochs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], jit_compile=False)
    model.fit(*parts["train"], batch_size=settings.batch, epochs=settings.epochs, verbose=0, callbacks=[clock])
    train, valid, test = (100 * model.evaluate(*parts[part], 400, verbose=0)[1] for part in ("train", "valid", "test"))
    spent = 1000 * clock.seconds / (updates * (settings.epochs - 1))
    return Result(net, seed, model.count_params(), valid, test, train, spent)


def shown(scores: list[float]) -> str:
    """Mean and deviation."""
    deviation = np.std(scores, ddof=1) if len(scores) > 1 else 0.0
    return f"{np.mean(scores):.1f} ± {deviation:.1f} %"


def main(settings: Settings) -> None:
    unknown = sorted(set(settings.nets) - set(NETS))
    if unknown:
        raise UserError(f"nets: expected some of {', '.join(NETS)}, got {', '.join(unknown)}")
    digits()  # so that a missing package is named once, and here
    settings = replace(settings, nets=tuple(dict.fromkeys(("none", *settings.nets))))  # what the others stand beside
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with ProcessPoolExecutor(settings.processes, get_context("spawn")) as pool:
        jobs = [pool.submit(run, net, seed, settings) for seed in settings.seeds for net in settings.nets]
        results = []
        for job in as_completed(jobs):
            results.append(job.result())
            print(*vars(results[-1]).values(), sep="\t", flush=True)
    base = np.median([result.milliseconds for result in results if result.net == "none"])
    table = Table(
        "attention", "weights", "train", "valid", "test", "time of an update", title=f"seeds {settings.seeds}"
    )
    for net in settings.nets:
        mine = [result for result in results if result.net == net]
        spent = np.median([result.milliseconds for result in mine])
        scores = [shown([getattr(result, part) for result in mine]) for part in ("train", "valid", "test")]
        table.add_row(net, f"{mine[0].weights:,}", *scores, f"{spent / base:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
