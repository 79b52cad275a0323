"""How likely a model finds translations that are given to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.errors import expect
from keras_attn.export.given_pairs import IDS, given_pairs, shifted
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import PADDING

AT_ONCE = 1024  # tokens whose logits are wanted, each as many numbers as the vocabulary has words


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

    def __call__(self, sources: Sequence[str], targets: Sequence[str], temperature: float = 1.0) -> list[TargetScore]:
        """Score as many targets as there are sources; any string will do, an empty one too.

        Args:
            sources, targets: the pairs.
            temperature: T of p = softmax(logits / T), such as `calibration.fit_temperature` finds.
        """
        expect(temperature > 0, "temperature", "more than 0", temperature)
        found: list[Any] = [None] * len(sources)
        for batch in given_pairs(self.text, sources, targets, self.limits, self.tokens_per_batch):
            log_p = self._log_p(batch.source, batch.labels, tf.constant(temperature, tf.float32)).numpy()
            for row, (place, ids) in enumerate(zip(batch.places, batch.target_ids, strict=True)):
                pieces = self.text.target.pieces(ids.tolist())
                found[place] = TargetScore(pieces, log_p[row, : len(ids)], batch.truncated[row])
        return found

    def logits(self, sources: Sequence[str], targets: Sequence[str]) -> Logits:
        """Logits and labels of all tokens, ends included, for `calibration`; made anew at every pass."""
        return Logits(self, sources, targets)

    @tf.function(input_signature=[IDS, IDS, tf.TensorSpec([], tf.float32)], autograph=False)
    def _log_p(self, source: tf.Tensor, labels: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        logits = self._logits(source, labels) / temperature
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # (batch, target_length)

    @tf.function(input_signature=[IDS, IDS], autograph=False)
    def _real_logits(self, source: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        real = labels != PADDING
        logits = tf.boolean_mask(self._logits(source, labels), real)  # (n, vocabulary)
        return logits, tf.boolean_mask(labels, real)

    def _logits(self, source: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        said = self.training({"source": source, "target": shifted(labels)}, training=False)
        return tf.cast(said, tf.float32)  # (batch, target_length, vocabulary)


@dataclass(frozen=True)
class Logits:
    """What a model says while it is given some targets: batches of logits (n, vocabulary) and labels (n,)."""

    scorer: TargetScorer
    sources: Sequence[str]
    targets: Sequence[str]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        scorer = self.scorer
        at_once = min(AT_ONCE, scorer.tokens_per_batch)
        for batch in given_pairs(scorer.text, self.sources, self.targets, scorer.limits, at_once):
            logits, labels = scorer._real_logits(batch.source, batch.labels)
            yield logits.numpy(), labels.numpy()
