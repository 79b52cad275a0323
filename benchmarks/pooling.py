"""Is a sentence judged better from what attention pools than from the mean of its words?

    KERAS_ATTN_DATA=/where/the/corpora/are python benchmarks/pooling.py

Film reviews, one sentence each, for or against (Pang and Lee 2005): `mr_polarity/{train,valid}.tsv.gz` in the folder
that KERAS_ATTN_DATA names. Words seen twice -> Embedding -> pooling -> one logit, with everything but the pooling the
same. Train is cut into eight parts: for each seed another part is tested and another one says when to stop, so that
eight seeds test every sentence of train; settings were chosen on these parts, and valid is only reported. Printed, over
seeds: percent right of the tested part and of valid, and what each gains over the mean, seed by seed, as mean and
standard deviation; weights; seconds.
"""

from __future__ import annotations

import gzip
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
import tyro
from keras import layers, ops
from rich.console import Console
from rich.table import Table

from keras_attn.errors import UserError
from keras_attn.layers import ContextVectorPooling, LearnedQueryPooling, SelfAttentivePooling

Data = tuple[list[list[int]], np.ndarray]


@dataclass(frozen=True)
class Settings:
    """Args: what is compared, how large it is, and how it is trained."""

    seeds: int = 8
    poolings: tuple[str, ...] = ("mean", "word", "self-attentive", "learned query")
    encoder: Literal["none", "lstm"] = "none"
    units: int = 32  # of each direction of the LSTM
    embedding: int = 64
    attention_units: int = 64
    rows: int = 2
    penalization: float = 0.1
    heads: int = 4
    word_dropout: float = 0.3  # share of words that are blanked in training
    feature_dropout: float = 0.8  # share of an embedding's numbers that are blanked in all words of a sentence
    dropout: float = 0.5  # of the summary
    rate: float = 2e-3
    scoring_rate: float = 0.03  # what scores positions learns that much slower
    batch: int = 64
    epochs: int = 24
    patience: int = 6
    folds: int = 8


class Unhurried(keras.optimizers.Adam):
    """Adam with a slower rate for the weights that score positions."""

    SCORING = ("hidden", "hops", "context", "queries", "attention/query", "attention/key")

    def __init__(self, rate: float, scoring_rate: float):
        super().__init__(rate)
        self.scoring_rate = scoring_rate

    def build(self, variables: list) -> None:
        super().build(variables)
        # On TensorFlow an update is handed what a Keras variable holds.
        self.slow = {id(one.value) for one in variables if any(name in one.path for name in self.SCORING)}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        slower = self.scoring_rate if id(variable) in self.slow else 1.0
        super().update_step(gradient, variable, learning_rate * slower)


def pooling(name: str, settings: Settings) -> layers.Layer:
    return {
        "mean": lambda: layers.GlobalAveragePooling1D(),
        "word": lambda: ContextVectorPooling(settings.attention_units),
        "self-attentive": lambda: SelfAttentivePooling(
            settings.rows, settings.attention_units, settings.penalization / settings.rows
        ),
        "learned query": lambda: LearnedQueryPooling(1, settings.attention_units, settings.heads),
    }[name]()


def read(split: str) -> tuple[list[list[str]], np.ndarray]:
    """Sentences as words, and labels."""
    folder = os.environ.get("KERAS_ATTN_DATA")
    path = Path(folder or ".", "mr_polarity", f"{split}.tsv.gz")
    if not folder or not path.exists():
        raise UserError(f"KERAS_ATTN_DATA: expected a folder with mr_polarity/{split}.tsv.gz, got {folder!r}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        pairs = [line.rstrip("\n").split("\t", 1) for line in file]
    return [sentence.split() for _, sentence in pairs], np.array([int(label) for label, _ in pairs], "float32")


def folds(seed: int, count: int) -> tuple[Data, Data, Data, Data, int]:
    """Ids and labels to train on, to stop by, to test on, and valid; and the size of the vocabulary.

    Train is cut into `count` parts, always the same. The seed says which is tested, the next one stops.
    """
    sentences, labels = read("train")
    parts = np.array_split(np.random.default_rng(0).permutation(len(labels)), count)
    test, stop, *others = (parts[(seed + shift) % count] for shift in range(count))
    fitted = np.concatenate(others)
    counts = Counter(word for index in fitted for word in sentences[index])
    # 0 is padding, 1 a word that was seen once or never.
    known = {word: number for number, word in enumerate((w for w, seen in counts.items() if seen > 1), 2)}

    def encode(sentences: list[list[str]]) -> list[list[int]]:
        return [[known.get(word, 1) for word in sentence] for sentence in sentences]

    def part(indices: np.ndarray) -> Data:
        return encode([sentences[index] for index in indices]), labels[indices]

    valid, valid_labels = read("valid")
    return part(fitted), part(stop), part(test), (encode(valid), valid_labels), len(known) + 2


def batches(data: Data, size: int, seed: int) -> tf.data.Dataset:
    """Sentences of like length together, padded to a multiple of 12; other company and order in each epoch."""
    sentences, labels = data
    random = np.random.default_rng(seed)

    def epoch() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        widths = np.array([12 * -(-len(ids) // 12) for ids in sentences])
        order = np.lexsort([random.random(len(widths)), widths])
        plan = [order[start : start + size] for start in range(0, len(order), size)]
        random.shuffle(plan)
        for rows in plan:
            padded = [sentences[row] + [0] * (widths[rows].max() - len(sentences[row])) for row in rows]
            yield np.array(padded, "int32"), labels[rows]

    signature = tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None,), "float32")
    return tf.data.Dataset.from_generator(epoch, output_signature=signature).prefetch(2)


def classifier(name: str, vocabulary: int, settings: Settings) -> keras.Model:
    ids = keras.Input((None,), dtype="int32")
    mask = ops.not_equal(ids, 0)
    words = layers.Embedding(vocabulary, settings.embedding)(ids)
    words = layers.Dropout(settings.word_dropout, noise_shape=(None, None, 1))(words)
    words = layers.SpatialDropout1D(settings.feature_dropout)(words)
    if settings.encoder == "lstm":
        words = layers.Bidirectional(layers.LSTM(settings.units, return_sequences=True))(words, mask=mask)
    summary = layers.Flatten()(pooling(name, settings)(words, mask=mask))
    return keras.Model(ids, layers.Dense(1)(layers.Dropout(settings.dropout)(summary)))


def train(name: str, seed: int, settings: Settings) -> list[float]:
    """Percent right on the part that stops, the part that is tested and on valid; weights; seconds."""
    fitted, stop, test, valid, vocabulary = folds(seed, settings.folds)
    keras.utils.set_random_seed(seed)
    begun = time.perf_counter()
    model = classifier(name, vocabulary, settings)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    optimizer = Unhurried(settings.rate, settings.scoring_rate)
    model.compile(optimizer, loss, metrics=[accuracy], jit_compile=False)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=settings.patience, restore_best_weights=True
    )
    whole = {"size": 250, "seed": 0}
    model.fit(
        batches(fitted, settings.batch, seed),
        validation_data=batches(stop, **whole),
        epochs=settings.epochs,
        callbacks=[best],
        verbose=0,
    )
    right = [100 * model.evaluate(batches(part, **whole), verbose=0)[1] for part in (stop, test, valid)]
    return [*right, model.count_params(), time.perf_counter() - begun]


def main(settings: Settings) -> None:
    runs: dict[str, list] = {name: [] for name in settings.poolings}
    for seed in range(settings.seeds):
        for name, mine in runs.items():
            mine.append(train(name, seed, settings))
            print(f"seed {seed}, {name}: tested {mine[-1][1]:.1f}, valid {mine[-1][2]:.1f}", flush=True)
    gains = {name: np.array(mine)[:, 1:3] - np.array(runs[settings.poolings[0]])[:, 1:3] for name, mine in runs.items()}
    table = Table("pooling", "tested", "gain", "valid", "gain", "weights", "seconds a run")
    for name, mine in runs.items():
        _, tested, valid, weights, seconds = np.array(mine).T
        row = (
            name,
            spread(tested),
            spread(gains[name][:, 0]),
            spread(valid),
            spread(gains[name][:, 1]),
            f"{weights.mean():,.0f}",
            f"{seconds.mean():.0f}",
        )
        table.add_row(*row)
    Console(width=120).print(table)


def spread(numbers: np.ndarray) -> str:
    """Mean and standard deviation."""
    return f"{numbers.mean():.1f} ± {numbers.std(ddof=1) if len(numbers) > 1 else 0:.1f}"


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
