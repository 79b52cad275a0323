"""Which recurrent networks can reverse 12 symbols: with attention, and with one fixed vector?

    python benchmarks/reverse.py                       # nine networks, equal updates
    python benchmarks/reverse.py --cells gru --updates 500

Every network sees the same fresh random sequences (seeded), is trained for the same number of updates by plain
`compile` and `fit`, and is then decoded greedily on 1,000 new sequences. Printed: share of sequences and of symbols
reversed right, and seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
import tyro
from rich.console import Console
from rich.table import Table

from keras_attn.decoding import Greedy
from keras_attn.models import RNNDecoder, RNNEncoder, Views, seq2seq
from keras_attn.training import InverseSquareRoot, SmoothedCrossEntropy

LENGTH, SYMBOLS, SPECIAL = 12, 20, 4  # ids 0-3 are padding, unknown, start, end
START, END = 2, 3

MODELS: dict[str, dict[str, Any]] = {
    "attention (additive)": {"attention": "additive"},
    "fixed vector, first state": {"attention": None, "fixed_vector": "initial"},
    "fixed vector, every step": {"attention": None, "fixed_vector": "every_step"},
}


@dataclass(frozen=True)
class Settings:
    """Args: cells, updates, batch, units, seed: what is compared and how long it trains."""

    cells: tuple[Literal["rnn", "lstm", "gru"], ...] = ("rnn", "lstm", "gru")
    updates: int = 2000
    batch: int = 128
    units: int = 128
    seed: int = 1


def sequences(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources with their end token (count, 13), and the reversed symbols with theirs."""
    symbols = np.random.default_rng(seed).integers(SPECIAL, SPECIAL + SYMBOLS, (count, LENGTH), dtype="int32")
    ends = np.full((count, 1), END, "int32")
    return np.concatenate([symbols, ends], 1), np.concatenate([symbols[:, ::-1], ends], 1)


def train(views: Views, settings: Settings) -> None:
    """Plain Keras: compile and fit."""
    source, labels = sequences(settings.updates * settings.batch, settings.seed)
    starts = np.full((len(labels), 1), START, "int32")
    target = np.concatenate([starts, labels[:, :-1]], 1)
    data = tf.data.Dataset.from_tensor_slices(({"source": source, "target": target}, labels)).batch(settings.batch)
    rate = InverseSquareRoot(peak=2e-3, warmup=200)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    views.training.compile(optimizer, SmoothedCrossEntropy(), jit_compile=False)
    views.training.fit(data, epochs=1, verbose=0, shuffle=False)


def score(views: Views, settings: Settings) -> tuple[float, float]:
    """Percent of sequences and of symbols right, decoded greedily."""
    source, labels = sequences(1000, settings.seed + 1)

    @tf.function
    def decode(batch: tf.Tensor) -> tf.Tensor:
        start = views.encoder(batch, training=False)
        return Greedy()(views.step, start["memory"], start["state"], LENGTH + 1).ids[:, 0]

    right = decode(tf.constant(source)).numpy() == labels
    return 100 * float(right.all(1).mean()), 100 * float(right[:, :LENGTH].mean())


def main(settings: Settings) -> None:
    table = Table("cell", "source is read by", "sequences right", "symbols right", "weights", "seconds")
    for cell in settings.cells:
        for name, fields in MODELS.items():
            keras.utils.set_random_seed(settings.seed)
            begun = time.perf_counter()
            views = seq2seq(
                RNNEncoder(units=settings.units, cell=cell, embedding=64, dropout=0.0),
                RNNDecoder(units=settings.units, cell=cell, embedding=64, dropout=0.0, **fields),
                source_vocabulary=SPECIAL + SYMBOLS,
                target_vocabulary=SPECIAL + SYMBOLS,
            )
            train(views, settings)
            whole, symbols = score(views, settings)
            seconds = time.perf_counter() - begun
            row = (
                cell,
                name,
                f"{whole:.1f} %",
                f"{symbols:.1f} %",
                f"{views.training.count_params():,}",
                f"{seconds:.0f}",
            )
            print("\t".join(row), flush=True)
            table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
