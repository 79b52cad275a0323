"""Where a model looks while it is given what to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.decoding.beginning import roomy
from keras_attn.errors import expect
from keras_attn.export.given_pairs import IDS, given_pairs, shifted
from keras_attn.text import Tokenizer


@dataclass(frozen=True)
class PairAttention:
    """Where a model looked, of one pair.

    Args:
        source_tokens, target_tokens: pieces, the ends included.
        weights: {layer: (heads, target_length, source_length)}; row i is of the step that writes token i. Of a model
            without attention there are none.
    """

    source_tokens: list[str]
    target_tokens: list[str]
    weights: dict[str, np.ndarray]


class AttentionReader:
    """Attention of every layer and head, from one step of the whole target.

    Give it outputs of the model, or other texts: `alignment.choose_look` finds out which of the weights are an
    alignment.

    Args:
        views: `models.Views` over the vocabularies of `text`.
        text: a `Tokenizer`.
        max_source_length, max_target_length: tokens read of either side; what follows is cut.
        tokens_per_batch: the most padded tokens of the longer side read at once, unless a single pair has more.
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
        self.encoder, self.step, self.text = views.encoder, views.step, text
        self.limits = max_source_length, max_target_length
        self.tokens_per_batch = tokens_per_batch

    def __call__(self, sources: Sequence[str], targets: Sequence[str]) -> list[PairAttention]:
        """Read the attention of as many targets as there are sources; any string will do, an empty one too."""
        found: list[Any] = [None] * len(sources)
        for batch in given_pairs(self.text, sources, targets, self.limits, self.tokens_per_batch):
            weights = {layer: each.numpy() for layer, each in self._weights(batch.source, batch.labels).items()}
            for row, place in enumerate(batch.places):
                x, y = batch.source_ids[row].tolist(), batch.target_ids[row].tolist()
                own = {layer: each[row, :, : len(y), : len(x)] for layer, each in weights.items()}
                found[place] = PairAttention(self.text.source.pieces(x), self.text.target.pieces(y), own)
        return found

    @tf.function(input_signature=[IDS, IDS], autograph=False)
    def _weights(self, source: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded = self.encoder(source, training=False)
        state = roomy(encoded["state"], tf.shape(labels)[1])
        given = {"tokens": shifted(labels), "position": tf.constant(0), "memory": encoded["memory"], "state": state}
        weights = self.step(given, training=False)["weights"]
        return {layer: tf.cast(each, tf.float32) for layer, each in weights.items()}
