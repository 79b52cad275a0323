"""Can attention that reads one key learn where to look: by a straight-through gradient, and by REINFORCE?

    python benchmarks/hard_attention.py                # three ways of learning, three seeds
    python benchmarks/hard_attention.py --pairs 16 --updates 2000

The task is associative lookup: a set of pairs (key symbol, value symbol) is shown, then one of the key symbols; the
answer is the value beside it. Keys and values are drawn anew for every example, and what counts is the answer to
10,000 examples that nobody has seen. The three networks differ in the attention alone and have the same weights:

    soft               softmax; the gradient is exact
    straight-through   one key, drawn by Gumbel noise in training; the gradient is that of the soft sample
    reinforce          one key, drawn in training; the scoring learns from the reward log p(answer) alone

All are trained by plain `compile` and `fit` with the same examples. Printed: mean and deviation over seeds of the share
of right answers, and how many updates it took until the mean reward of an epoch was above -0.1. The picture shows the
reward, which is the negative cross-entropy, while training.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tyro
from keras import layers, ops
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from keras_attn.layers import AdditiveScoring, Attention, HardAttention, StraightThroughWeighing
from keras_attn.training import ReinforceLoss

SYMBOLS = 32  # of keys, and as many of values
WAYS = {"soft": "tab:gray", "straight-through": "tab:blue", "reinforce": "tab:red"}


@dataclass(frozen=True)
class Settings:
    """Args: pairs, updates, batch, units, rate, seeds, output: what is compared and how long it trains."""

    pairs: int = 8
    updates: int = 1000
    batch: int = 128
    units: int = 64
    rate: float = 3e-3
    seeds: tuple[int, ...] = (1, 2, 3)
    output: Path = Path("docs/reinforce.png")


def examples(count: int, pairs: int, seed: int) -> dict[str, np.ndarray]:
    """Key and value symbols (count, pairs), the key asked for (count, 1), its value (count,)."""
    random = np.random.default_rng(seed)
    key = random.permuted(np.tile(np.arange(SYMBOLS, dtype="int32"), (count, 1)), axis=1)[:, :pairs]
    value = random.integers(0, SYMBOLS, (count, pairs), dtype="int32")
    rows, place = np.arange(count), random.integers(0, pairs, count)
    return {"key": key, "value": value, "query": key[rows, place][:, None], "label": value[rows, place]}


def network(way: str, settings: Settings, seed: int) -> keras.Model:
    """Embed, attend once, classify. The query has an embedding of its own: that it matches keys must be learned."""
    key, value = (keras.Input((settings.pairs,), dtype="int32", name=name) for name in ("key", "value"))
    query, label = keras.Input((1,), dtype="int32", name="query"), keras.Input((), dtype="int32", name="label")
    read = [layers.Embedding(SYMBOLS, settings.units)(symbols) for symbols in (query, value, key)]
    scoring = AdditiveScoring(settings.units)
    if way == "reinforce":
        context, log_probability, entropy = HardAttention(scoring, seed=seed)(*read, return_log_probability=True)
    else:
        weighing = StraightThroughWeighing(seed=seed) if way == "straight-through" else None
        context = Attention(scoring, weighing=weighing)(*read)
    logits = layers.Dense(SYMBOLS)(layers.Flatten()(context))
    if way == "reinforce":
        reward = -ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
        logits = ReinforceLoss(entropy_weight=0.01)(logits, log_probability, entropy, reward)
    return keras.Model({"key": key, "value": value, "query": query, "label": label}, logits)


def train(way: str, settings: Settings, seed: int) -> tuple[float, list[float], float]:
    """Share of right answers to fresh examples, reward in each 1/40 of training, seconds."""
    keras.utils.set_random_seed(seed)
    epochs = 40
    model = network(way, settings, seed)
    told = examples(settings.updates * settings.batch, settings.pairs, seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.Adam(settings.rate),
        loss,
        metrics=[keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy", from_logits=True)],
        jit_compile=False,
    )
    rewards, begun = [], time.perf_counter()
    step = len(told["label"]) // epochs
    for epoch in range(epochs):  # every example is seen once
        part = {name: array[epoch * step : (epoch + 1) * step] for name, array in told.items()}
        logs = model.fit(part, part["label"], batch_size=settings.batch, verbose=0, shuffle=False).history
        rewards.append(-logs["cross_entropy"][0])
    seconds = time.perf_counter() - begun
    fresh = examples(10_000, settings.pairs, 1000 + seed)
    right = model.predict(fresh, batch_size=1000, verbose=0).argmax(-1) == fresh["label"]
    return 100 * float(right.mean()), rewards, seconds


def draw(curves: dict[str, list[list[float]]], settings: Settings) -> None:
    """One line for each seed, one color for each way."""
    figure = Figure(figsize=(6, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for way, runs in curves.items():
        for number, rewards in enumerate(runs):
            updates = (np.arange(len(rewards)) + 0.5) * settings.updates / len(rewards)
            axes.plot(updates, rewards, color=WAYS[way], linewidth=1, label=None if number else way)
    axes.axhline(-np.log(SYMBOLS), color="black", linestyle=":", linewidth=1, label="guessing")
    axes.set_xlabel("updates")
    axes.set_ylabel("reward, log p(answer)")
    axes.set_title(f"Lookup among {settings.pairs} pairs: reward of what was read", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(settings.output)


def main(settings: Settings) -> None:
    curves: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    titles = ("learns by", "right answers", "worst seed", "updates to -0.1", "reward first, last fortieth", "seconds")
    table = Table(*titles)
    for way in WAYS:
        scores, learned, seconds = [], [], []
        for seed in settings.seeds:
            right, rewards, taken = train(way, settings, seed)
            there = [index + 1 for index, reward in enumerate(rewards) if reward > -0.1]
            scores.append(right)
            learned.append(f"{there[0] * settings.updates // len(rewards)}" if there else "never")
            seconds.append(taken)
            curves[way].append(rewards)
            shown = " ".join(f"{reward:.2f}" for reward in rewards[::4])
            print(f"{way}\tseed {seed}\t{right:.2f} %\t{taken:.0f} s\treward {shown} {rewards[-1]:.3f}", flush=True)
        first, last = np.mean([run[0] for run in curves[way]]), np.mean([run[-1] for run in curves[way]])
        table.add_row(
            way,
            f"{np.mean(scores):.2f} ± {np.std(scores):.2f} %",
            f"{min(scores):.2f} %",
            ", ".join(learned),
            f"{first:.2f}, {last:.3f}",
            f"{np.mean(seconds):.0f}",
        )
    draw(curves, settings)
    Console(width=120).print(table)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
