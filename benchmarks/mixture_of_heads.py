"""What does it give to choose 2 of 8 attention heads for each token, beside 2 heads that all tokens share?

    python benchmarks/mixture_of_heads.py              # eight rules; characters too if the corpus is there
    python benchmarks/mixture_of_heads.py --tasks rules --updates 3000

One block (attention, then a small feed-forward network, each with a residual) and a classifier of every position. Two
dense heads and 2 of 8 heads compute equally many heads for each token, and the mixture no more multiply-adds, as its
heads share keys and values; eight dense heads cost four times as much and are there to compare. All are trained by
plain `compile` and `fit` with the same examples; the mixture adds its balance losses, with the weights of the paper.

    rules       24 random symbols, each with one of eight rules: copy the symbol 1, 2 or 4 places before or after, at
                the mirrored place, or at the start. Scored on 2,000 fresh sequences.
    characters  the next character of $KERAS_ATTN_DATA/tinyshakespeare from up to 32 before it, scored on the last
                tenth of the text.
    cost        no training: forward and backward through attention alone, 32 x 64 tokens of width 512, heads of 64.

Printed: mean and deviation over seeds of the share of right answers and of the cross-entropy, on what was not trained
on; multiply-adds of attention for each token and weights; the median time of a training step relative to two dense
heads, in turns on the same batch in one process; how even the choice of experts is (1: all equally, 8: one takes all).
"""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tyro
from keras import layers
from rich.console import Console
from rich.table import Table

from keras_attn.layers import LearnedPositions, MixtureOfHeads, MultiHeadAttention

SYMBOLS, RULES, LENGTH, CONTEXT = 16, 8, 24, 32
ACTIVE, EXPERTS = 2, 8
NETWORKS = {"2 dense heads": 2, "2 of 8 heads": None, "8 dense heads": 8}


@dataclass(frozen=True)
class Settings:
    """Args: tasks, updates, batch, width, head_dim, rate, seeds: what is compared and how long it trains."""

    tasks: tuple[Literal["rules", "characters", "cost"], ...] = ("rules", "characters", "cost")
    updates: int = 1000
    batch: int = 64
    width: int = 64
    head_dim: int = 16
    rate: float = 3e-3
    seeds: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True)
class Task:
    """What is read and what is wanted: arrays (examples, length) each."""

    vocabulary: int
    causal: bool
    told: dict[str, np.ndarray]
    fresh: dict[str, np.ndarray]


def rules(count: int, seed: int) -> dict[str, np.ndarray]:
    """Symbols, the rule at each place, and the symbol that the rule names; places wrap around."""
    random = np.random.default_rng(seed)
    symbol = random.integers(0, SYMBOLS, (count, LENGTH), dtype="int32")
    rule = random.integers(0, RULES, (count, LENGTH), dtype="int32")
    here = np.arange(LENGTH)
    places = np.stack([*((here + step) % LENGTH for step in (-1, -2, -4, 1, 2, 4)), here[::-1], 0 * here])
    return {"symbol": symbol, "rule": rule, "label": np.take_along_axis(symbol, places[rule, here], axis=1)}


def characters(count: int, seed: int) -> Task | None:
    """Pieces of the text from anywhere in its first nine tenths, and the last tenth cut up; None without the corpus."""
    file = Path(os.environ.get("KERAS_ATTN_DATA", "")) / "tinyshakespeare" / "input.txt.gz"
    if not file.is_file():
        return None
    letters, text = np.unique(np.frombuffer(gzip.decompress(file.read_bytes()), "uint8"), return_inverse=True)
    cut = len(text) * 9 // 10
    starts = np.random.default_rng(seed).integers(0, cut - CONTEXT - 1, count)
    pieces = (starts, np.arange(cut, len(text) - CONTEXT - 1, CONTEXT))

    def both(first: np.ndarray) -> dict[str, np.ndarray]:
        piece = text.astype("int32")[first[:, None] + np.arange(CONTEXT + 1)]
        return {"symbol": piece[:, :-1], "rule": 0 * piece[:, :-1], "label": piece[:, 1:]}

    return Task(len(letters), True, *map(both, pieces))


def task(name: str, settings: Settings, seed: int) -> Task | None:
    count = settings.updates * settings.batch
    if name == "characters":
        return characters(count, seed)
    return Task(SYMBOLS, False, rules(count, seed), rules(2000, 1000 + seed))


def network(heads: int | None, work: Task, settings: Settings) -> keras.Model:
    """Embed, attend, classify every position. `heads` None is the mixture."""
    length, width = work.told["symbol"].shape[1], settings.width
    names = {name: keras.Input((length,), dtype="int32", name=name) for name in ("symbol", "rule")}
    size, draw = {"symbol": work.vocabulary, "rule": RULES}, keras.initializers.RandomNormal
    parts = [layers.Embedding(size[name], width, draw(stddev=0.5))(given) for name, given in names.items()]
    x = LearnedPositions(length, draw(stddev=0.5))(layers.Add()(parts))
    attend: Any = (
        MixtureOfHeads(EXPERTS, ACTIVE, settings.head_dim, name="mixture")
        if heads is None
        else MultiHeadAttention(heads, settings.head_dim, use_bias=False)
    )
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, attend(y, y, use_causal_mask=work.causal)])
    y = layers.Dense(2 * width, activation="relu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(width)(y)])
    logits = layers.Dense(work.vocabulary)(layers.LayerNormalization()(x))
    model = keras.Model(names, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras.metrics.SparseCategoricalCrossentropy(name="entropy", from_logits=True)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(settings.rate, settings.updates))
    model.compile(optimizer, loss, metrics=["accuracy", metric], jit_compile=False)
    return model


def multiply_adds(heads: int | None, length: int, settings: Settings) -> int:
    """Of one token in the attention: query and output of each head, keys and values, scores and reading."""
    f, d = settings.width, settings.head_dim
    if heads is None:
        return 2 * ACTIVE * f * d + 2 * f * d + 2 * ACTIVE * length * d + f * EXPERTS
    return 4 * heads * f * d + 2 * heads * length * d


def balance(model: keras.Model, given: dict[str, np.ndarray]) -> float:
    """E sum_i f_i^2 over the experts' shares of gates: 1 if all are asked equally, E if one takes all."""
    mixture = model.get_layer("mixture")
    reader = keras.Model(model.inputs, mixture.input[0] if isinstance(mixture.input, list) else mixture.input)
    normed = reader.predict(given, verbose=0)
    _, gates = mixture(normed, normed, return_gates=True)
    share = keras.ops.convert_to_numpy(gates).mean((0, 1))
    return float(EXPERTS * (share**2).sum())


def step_times(models: dict[str, keras.Model], work: Task, settings: Settings) -> dict[str, float]:
    """Median seconds of a training step, the networks in turns."""
    batch = {name: array[: settings.batch] for name, array in work.told.items()}
    label = batch.pop("label")
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(60):
        for name, model in models.items():
            begun = time.perf_counter()
            model.train_on_batch(batch, label)
            times[name].append(time.perf_counter() - begun)
    return {name: float(np.median(taken)) for name, taken in times.items()}


def compare(name: str, settings: Settings) -> None:
    found: dict[str, list[tuple[float, float]]] = {network_name: [] for network_name in NETWORKS}
    models, evenness = {}, []
    for seed in settings.seeds:
        work = task(name, settings, seed)
        if work is None:
            print(f"{name}: KERAS_ATTN_DATA names no folder with tinyshakespeare; left out")
            return
        told, fresh = dict(work.told), dict(work.fresh)
        label, wanted = told.pop("label"), fresh.pop("label")
        for network_name, heads in NETWORKS.items():
            keras.utils.set_random_seed(seed)
            model = models[network_name] = network(heads, work, settings)
            model.fit(told, label, batch_size=settings.batch, verbose=0, shuffle=False)
            scores = model.evaluate(fresh, wanted, batch_size=500, verbose=0, return_dict=True)
            found[network_name].append((100 * scores["accuracy"], scores["entropy"]))
            print(f"{name}\tseed {seed}\t{network_name}\t{scores['accuracy']:.4f}\t{scores['entropy']:.4f}", flush=True)
        few = {part: array[:500] for part, array in fresh.items()}
        evenness.append(balance(models["2 of 8 heads"], few))
    times, length = step_times(models, work, settings), label.shape[1]
    table = Table(name, "right", "cross-entropy, nats", "multiply-adds", "weights", "time of a step", "evenness")
    for network_name, heads in NETWORKS.items():
        right, entropy = np.array(found[network_name]).T
        table.add_row(
            network_name,
            f"{right.mean():.1f} ± {right.std():.1f} %",
            f"{entropy.mean():.3f} ± {entropy.std():.3f}",
            f"{multiply_adds(heads, length, settings):,}",
            f"{models[network_name].count_params():,}",
            f"{times[network_name] / times['2 dense heads']:.2f}",
            f"{np.mean(evenness):.2f}" if heads is None else "",
        )
    Console(width=120).print(table)


def cost() -> None:
    """What attention takes, forward and backward, as experts are added; the layers in turns."""
    import tensorflow as tf

    made: dict[str, layers.Layer] = {f"2 of {experts} heads": MixtureOfHeads(experts, 2, 64) for experts in (2, 8, 64)}
    made |= {f"{heads} dense heads": MultiHeadAttention(heads, 64, use_bias=False) for heads in (2, 8, 64)}
    x = keras.random.normal((32, 64, 512), seed=1)

    def step(layer: layers.Layer) -> Any:
        layer(x, x)

        @tf.function
        def function() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(layer(x, x, training=True) ** 2)
            return tape.gradient(total, [x, *(weight.value for weight in layer.trainable_weights)])

        return function

    steps, times = {name: step(layer) for name, layer in made.items()}, {name: [] for name in made}
    for _ in range(12):
        for name, function in steps.items():
            begun = time.perf_counter()
            function()[0].numpy()
            times[name].append(time.perf_counter() - begun)
    table = Table("forward and backward", "weights", "milliseconds, median of the last ten")
    for name, taken in times.items():
        table.add_row(name, f"{made[name].count_params():,}", f"{1000 * np.median(taken[2:]):.0f}")
    Console(width=120).print(table)


def main(settings: Settings) -> None:
    for name in settings.tasks:
        if name == "cost":
            cost()
        else:
            compare(name, settings)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
