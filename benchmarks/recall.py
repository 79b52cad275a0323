"""Which value stood beside this key? An attentive LSTM and an LSTM of as many weights, by the number of pairs.

    python benchmarks/recall.py

A sequence is n pairs of a key and a value, one pair a step, keys all different; then come four of the keys alone, and
their values are asked for. An LSTM has to keep all pairs in one state until it learns which is wanted; an LSTMN can
look back. Both see the same fresh random sequences (seeded), with 1 to `pairs` pairs each, are trained for the same
number of updates by plain `compile` and `fit`, and are then asked about 2,000 new sequences for each n, also for an n
they have not seen. An update of the LSTM costs less, so a third row has an LSTM with `more` times as many updates.
Printed, over seeds: percent of answers right, mean and standard deviation; weights; seconds.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import keras
import numpy as np
import tyro
from keras import layers, ops
from rich.console import Console
from rich.table import Table

from keras_attn.layers import LSTMN


@dataclass(frozen=True)
class Settings:
    """Args: the task, the two networks, and how they are trained. The LSTM is as wide as makes weights equal."""

    pairs: int = 12
    asked: tuple[int, ...] = (1, 2, 4, 8, 12, 16)
    keys: int = 16
    values: int = 8
    questions: int = 4
    units: int = 32
    embedding: int = 32
    updates: int = 2000
    more: int = 2
    batch: int = 128
    rate: float = 5e-3
    seeds: int = 3


def sequences(count: int, pairs: np.ndarray, most: int, seed: int, settings: Settings) -> tuple[list, np.ndarray]:
    """Keys and values (count, steps), 0 where there is none, and the answers (count, questions) 0 .. values - 1."""
    random = np.random.default_rng(seed)
    keys = random.permuted(np.tile(np.arange(1, settings.keys + 1), (count, 1)), axis=1)[:, :most]
    values = random.integers(1, settings.values + 1, (count, most))
    there = np.arange(most) < pairs[:, None]
    wanted = random.integers(0, pairs[:, None], (count, settings.questions))
    asked, answers = (np.take_along_axis(given, wanted, 1) for given in (keys, values))
    blank = np.zeros_like(asked)
    return [np.hstack([keys * there, asked]), np.hstack([values * there, blank])], answers - 1


def network(kind: str, settings: Settings) -> keras.Model:
    keys, values = (keras.Input((None,), dtype="int32") for _ in range(2))
    # Keras' default, at most 0.05, makes states so small that all of the past looks alike to both networks.
    wide = {"output_dim": settings.embedding, "embeddings_initializer": keras.initializers.RandomNormal(stddev=0.5)}
    pair = layers.Embedding(settings.keys + 1, **wide)(keys) + layers.Embedding(settings.values + 1, **wide)(values)
    if kind == "LSTMN":
        recurrent = LSTMN(settings.units, return_sequences=True)
    else:
        recurrent = layers.LSTM(lstm_units(settings), return_sequences=True)
    states = recurrent(pair, mask=ops.not_equal(keys, 0))
    return keras.Model([keys, values], layers.Dense(settings.values)(states[:, -settings.questions :]))


def lstm_units(settings: Settings) -> int:
    """The width at which an LSTM has as many weights as the LSTMN, or just more."""
    u, f = settings.units, settings.embedding
    weights = 4 * u * (f + u + 1) + u * (f + 2 * u + 1)
    return next(width for width in range(u, 4 * u) if 4 * width * (f + width + 1) >= weights)


def train(kind: str, seed: int, settings: Settings) -> tuple[list[float], int, float]:
    """Percent right for each number of pairs, weights, and seconds of training."""
    keras.utils.set_random_seed(seed)
    model = network(kind, settings)
    count = settings.updates * settings.batch
    pairs = np.random.default_rng(seed).integers(1, settings.pairs + 1, count)
    inputs, answers = sequences(count, pairs, settings.pairs, seed, settings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(settings.rate, settings.updates)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, metrics=["accuracy"], jit_compile=True)
    begun = time.perf_counter()
    model.fit(inputs, answers, batch_size=settings.batch, shuffle=False, verbose=0)
    seconds = time.perf_counter() - begun
    right = []
    for asked in settings.asked:
        inputs, answers = sequences(2000, np.full(2000, asked), asked, 1000 + seed, settings)
        right.append(100 * model.evaluate(inputs, answers, batch_size=2000, verbose=0)[1])
    return right, model.count_params(), seconds


def main(settings: Settings) -> None:
    names = [f"{n} pairs" + (" (unseen)" if n > settings.pairs else "") for n in settings.asked]
    table = Table("network", "updates", *names, "weights", "seconds a run")
    for kind, times in (("LSTMN", 1), ("LSTM", 1), ("LSTM", settings.more)):
        longer = dataclasses.replace(settings, updates=times * settings.updates)
        runs = [train(kind, seed, longer) for seed in range(1, settings.seeds + 1)]
        right = np.array([run[0] for run in runs])
        row = (
            f"{kind}({settings.units if kind == 'LSTMN' else lstm_units(settings)})",
            f"{longer.updates:,}",
            *(f"{one.mean():.1f} ± {one.std(ddof=1) if len(runs) > 1 else 0:.1f}" for one in right.T),
            f"{runs[0][1]:,}",
            f"{np.mean([run[2] for run in runs]):.0f}",
        )
        print("\t".join(row), flush=True)
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
