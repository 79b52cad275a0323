"""A model that is a table: its next word depends on the last two."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

START, END = 2, 3


def table_of(seed: int, words: int, sharp: float) -> np.ndarray:
    """Logits (words, words, words) by the word before the last, the last, and the next one."""
    return np.random.default_rng(seed).normal(size=(words, words, words)).astype("float32") * sharp


def table_step(table: np.ndarray) -> Any:
    """A step without memory."""
    words = table.shape[0]
    rows = ops.convert_to_tensor(table.reshape(-1, words))

    def step(told: dict) -> dict:
        last, before = told["tokens"][:, 0], told["state"]["last"][:, 0]
        logits = ops.take(rows, before * words + last, axis=0)
        return {"logits": ops.expand_dims(logits, 1), "state": {"last": told["tokens"]}, "weights": {}}

    return step


def tables_step(told: dict) -> dict:
    """A step whose memory holds a table for each sentence: (batch, words, words, words)."""
    last, before, tables = told["tokens"][:, 0], told["state"]["last"][:, 0], told["memory"]["table"]
    words = tables.shape[-1]
    rows = ops.reshape(tables, (-1, words * words, words))
    logits = ops.take_along_axis(rows, ops.reshape(before * words + last, (-1, 1, 1)), axis=1)  # (batch, 1, words)
    return {"logits": logits, "state": {"last": told["tokens"]}, "weights": {}}


def first(batch: int) -> dict:
    """The state at the start."""
    return {"last": ops.full((batch, 1), START, dtype="int32")}


def log_p(table: np.ndarray, words: Any) -> float:
    """Sum of log p in float64."""
    total, before, last = 0.0, START, START
    for word in words:
        logits = table[before, last].astype("float64")
        total += logits[word] - np.logaddexp.reduce(logits)
        before, last = last, int(word)
    return total
