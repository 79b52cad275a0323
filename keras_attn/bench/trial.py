"""One mechanism, trained on every task in turn: the same model, compiled once and begun anew each time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_attn.bench.entries import BASE, ENCODER, Entry
from keras_attn.bench.tasks import END, PADDING, START, TASKS, VOCABULARY, Task
from keras_attn.models import RNNDecoder, RNNEncoder, Views, seq2seq
from keras_attn.training import SmoothedCrossEntropy

TEST, DRAWN = 500, 4  # examples that score and, of them, examples whose weights are kept


@dataclass(frozen=True)
class Training:
    """How long and how every mechanism is trained on every task.

    Args:
        updates: number of batches, each of fresh examples.
        batch: examples in each.
        peak: highest learning rate, reached after a sixth of the updates; a cosine takes it to zero.
    """

    updates: int = 600
    batch: int = 64
    peak: float = 5e-3


@dataclass(frozen=True)
class Result:
    """What a mechanism did on a task.

    Args:
        right: share of the test sequences of which every symbol was right.
        seconds: of training, without building and compiling.
        parameters: weights of the model.
        weights: attention weights (target_length, source_length) for one test example; empty without attention.
        source, target: that example, as text.
    """

    entry: str
    task: str
    seed: int
    right: float
    seconds: float
    parameters: int
    weights: list[list[float]]
    source: list[str]
    target: list[str]


def run(entry: Entry, tasks: list[str], seed: int, training: Training) -> list[Result]:
    """Train and score on each task."""
    keras.utils.set_random_seed(seed)
    views = seq2seq(RNNEncoder(**ENCODER), RNNDecoder(**{**BASE, **entry.settings}), VOCABULARY, VOCABULARY)
    model = views.training
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, training.updates - training.updates // 6, warmup_target=training.peak, warmup_steps=training.updates // 6
    )
    # Shapes never change, so XLA compiles once; it takes half of the time per update.
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), SmoothedCrossEntropy(0.0), jit_compile=True)
    first = model.get_weights()
    model.fit(
        batches(TASKS[tasks[0]], 1, seed, training), verbose=0, shuffle=False
    )  # compiles, so that seconds are of training
    zeros = [np.zeros(variable.shape) for variable in model.optimizer.variables]
    results = []
    for name in tasks:
        model.set_weights(first)
        for variable, zero in zip(model.optimizer.variables, zeros, strict=True):
            variable.assign(zero)
        data = batches(TASKS[name], training.updates, seed, training)
        begun = time.perf_counter()
        model.fit(data, verbose=0, shuffle=False)
        seconds = time.perf_counter() - begun
        results.append(score(views, entry, TASKS[name], seed, seconds))
    return results


def batches(task: Task, updates: int, seed: int, training: Training) -> tf.data.Dataset:
    """`updates` batches of static shape, every example new."""
    source, labels = task.examples(updates * training.batch, seed)
    weights = (labels != PADDING).astype("float32")
    examples = ({"source": source, "target": shifted(labels)}, labels, weights)
    return tf.data.Dataset.from_tensor_slices(examples).batch(training.batch, drop_remainder=True)


def shifted(labels: np.ndarray) -> np.ndarray:
    """What the decoder reads: start, then all labels but the last."""
    starts = np.full((len(labels), 1), START, "int32")
    return np.concatenate([starts, labels[:, :-1]], 1)


def score(views: Views, entry: Entry, task: Task, seed: int, seconds: float) -> Result:
    """The share of unseen sequences that come out right.

    All symbols are right after the right ones exactly if greedy search finds the whole sequence, so that one pass
    over the targets tells.
    """
    source, labels = task.examples(TEST, 1_000_000 + seed)
    target = shifted(labels)
    logits = views.training.predict({"source": source, "target": target}, batch_size=TEST, verbose=0)
    right = ((logits.argmax(-1) == labels) | (labels == PADDING)).all(1)
    shown = {"source": tf.constant(source[:DRAWN]), "target": tf.constant(target[:DRAWN])}
    encoded = views.encoder(shown["source"])
    weights = views.step({"tokens": shown["target"], "position": tf.constant(0), **encoded})["weights"]
    read, written = (int((side[0] != PADDING).sum()) for side in (source, labels))
    drawn = np.array(weights["decoder"])[0].mean(0)[:written, :read] if weights else np.zeros((0, 0))
    return Result(
        entry.name,
        task.name,
        seed,
        float(right.mean()),
        seconds,
        views.training.count_params(),
        np.round(drawn, 4).tolist(),
        *([symbol(id_) for id_ in side[0] if id_ != PADDING] for side in (source, labels)),
    )


def symbol(id_: Any) -> str:
    """An id as one character."""
    return {END: "$", VOCABULARY - 1: "|"}.get(int(id_)) or "abcdefghijklmnop"[int(id_) - 4]
