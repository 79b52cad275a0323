"""Pairs of strings as batches of ids, for models that are told what to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_attn.budget import by_length
from keras_attn.errors import expect
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

IDS = tf.TensorSpec([None, None], tf.int32)


@dataclass(frozen=True)
class GivenPairs:
    """Some pairs of about equal length.

    Args:
        places: of each among all pairs.
        source: (batch, source_length) ids with the end, padded.
        labels: (batch, target_length), the same of the targets.
        source_ids, target_ids: of each pair, unpadded.
        truncated: of each pair, whether either side was longer than the model reads, and cut.
    """

    places: list[int]
    source: tf.Tensor
    labels: tf.Tensor
    source_ids: list[np.ndarray]
    target_ids: list[np.ndarray]
    truncated: list[bool]


def given_pairs(
    text: Tokenizer, sources: Sequence[str], targets: Sequence[str], limits: tuple[int, int], tokens_per_batch: int
) -> Iterator[GivenPairs]:
    """Encode pairs, any strings, and batch them by length.

    Args:
        text: the tokenizer.
        sources, targets: as many of either.
        limits: tokens read of a source and of a target; what follows is cut.
        tokens_per_batch: the most padded tokens of the longer side in a batch, unless a single pair has more.
    """
    expect(len(sources) == len(targets), "targets", f"{len(sources)}, one for each source", len(targets))
    read = [text.source.encode(sources), text.target.encode(targets)]
    rows = [[np.append(ids[:limit], np.int32(END)) for ids in side] for side, limit in zip(read, limits, strict=True)]
    cut = [any(len(ids) > limit for ids, limit in zip(pair, limits, strict=True)) for pair in zip(*read, strict=True)]
    for places in by_length([max(len(x), len(y)) for x, y in zip(*rows, strict=True)], tokens_per_batch):
        source, target = ([side[place] for place in places] for side in rows)
        yield GivenPairs(places, _padded(source), _padded(target), source, target, [cut[place] for place in places])


def shifted(labels: tf.Tensor) -> tf.Tensor:
    """What the decoder is given while it writes these labels: the start and all but the last of them."""
    return tf.pad(labels[:, :-1], [[0, 0], [1, 0]], constant_values=START)  # (batch, target_length)


def _padded(rows: list[np.ndarray]) -> tf.Tensor:
    padded = np.full((len(rows), max(map(len, rows))), PADDING, np.int32)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return tf.constant(padded)
