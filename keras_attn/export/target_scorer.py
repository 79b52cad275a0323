"""How likely a model finds translations that are given to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.budget import by_length
from keras_attn.errors import expect
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

IDS = tf.TensorSpec([None, None], tf.int32)


@dataclass(frozen=True)
class TargetScore:
    """log p of one target.

    Args:
        tokens: its pieces, and the end.
        log_p: (len(tokens),) log p of each, given the source and the tokens before.
        truncated: whether source or target was longer than the model reads, and cut.
    """

    tokens: list[str]
    log_p: np.ndarray
    truncated: bool

    @property
    def total(self) -> float:
        """log p of the whole target, the end included."""
        return float(self.log_p.sum())


class TargetScorer:
    """log p(y | x) = sum_i log p(y_i | y_<i, x), with the whole target as one step.

    Args:
        views: `models.Views` over the vocabularies of `text`.
        text: a `Tokenizer`.
        max_source_length, max_target_length: tokens read of either side; what follows is cut.
        tokens_per_batch: the most padded tokens of the longer side scored at once, unless a single pair has more.
    """

    def __init__(
        self,
        views: Any,
        text: Tokenizer,
        *,
        max_source_length: int = 256,
        max_target_length: int = 522,
        tokens_per_batch: int = 4096,
    ):
        expect(tokens_per_batch >= 1, "tokens_per_batch", "at least 1", tokens_per_batch)
        self.training, self.text = views.training, text
        self.limits = max_source_length, max_target_length
        self.tokens_per_batch = tokens_per_batch

    def __call__(self, sources: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        """Score as many targets as there are sources; any string will do, an empty one too."""
        expect(len(sources) == len(targets), "targets", f"{len(sources)}, one for each source", len(targets))
        read = [vocabulary.encode(lines) for vocabulary, lines in self._sides(sources, targets)]
        rows = [
            [np.append(ids[:limit], np.int32(END)) for ids in side]
            for side, limit in zip(read, self.limits, strict=True)
        ]
        found: list[Any] = [None] * len(sources)
        for chosen in by_length([max(len(x), len(y)) for x, y in zip(*rows, strict=True)], self.tokens_per_batch):
            source, labels = (_padded([side[index] for index in chosen]) for side in rows)
            log_p = self._log_p(source, labels).numpy()
            for row, index in enumerate(chosen):
                ids = rows[1][index]
                cut = any(len(side[index]) > limit for side, limit in zip(read, self.limits, strict=True))
                found[index] = TargetScore(self.text.target.pieces(ids.tolist()), log_p[row, : len(ids)], cut)
        return found

    def _sides(self, sources: Sequence[str], targets: Sequence[str]) -> tuple:
        return (self.text.source, sources), (self.text.target, targets)

    @tf.function(input_signature=[IDS, IDS], autograph=False)
    def _log_p(self, source: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        before = tf.pad(labels[:, :-1], [[0, 0], [1, 0]], constant_values=START)  # (batch, target_length)
        logits = tf.cast(self.training({"source": source, "target": before}, training=False), tf.float32)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # (batch, target_length)


def _padded(rows: list[np.ndarray]) -> tf.Tensor:
    padded = np.full((len(rows), max(map(len, rows))), PADDING, np.int32)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return tf.constant(padded)
