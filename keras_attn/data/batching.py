"""Batches for `model.fit`: a `tf.data` wrapper over the batch plan."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from keras_attn.data.batch_plan import BatchPlan
from keras_attn.data.encoded import EncodedPairs
from keras_attn.errors import UserError
from keras_attn.text.tokenizer import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

if TYPE_CHECKING:
    import tensorflow as tf

logger = logging.getLogger("keras_attn")


def batches(
    pairs_or_encoded: Iterable[tuple[str, str]] | EncodedPairs,
    text: Tokenizer | None = None,
    *,
    tokens_per_batch: int = 4096,
    shapes: int = 8,
    seed: int = 0,
    shuffle: bool = True,
    max_source_length: int | None = None,
    max_target_length: int | None = None,
    cache: str | os.PathLike | None = None,
) -> tf.data.Dataset:
    """Return a finite dataset of ({"source", "target"}, labels, weights) for `model.fit`.

    With b, s, t the batch's static shape:
    source int32 (b, s) = x1 .. xn end; target int32 (b, t) = start y1 .. yn;
    labels int32 (b, t) = y1 .. yn end; weights float32 (b, t) = 1 on labels, else 0. Padding is 0.

    Each full pass is the next epoch of the plan; the same seed gives the same batches.

    Args:
        pairs_or_encoded: what `read_pairs` gives, or `EncodedPairs`.
        text: the tokenizer of text pairs.
        tokens_per_batch, shapes, seed, shuffle: see `BatchPlan`.
        max_source_length, max_target_length, cache: see `EncodedPairs.encode`.

    Raises:
        UserError: no pairs, or no tokenizer for text.
    """
    import tensorflow as tf

    if isinstance(pairs_or_encoded, EncodedPairs):
        encoded = pairs_or_encoded
    else:
        if text is None:
            raise UserError(
                "text: expected a Tokenizer for pairs of text, got None; pass text=Tokenizer.train(pairs)"
            )
        encoded = EncodedPairs.encode(
            pairs_or_encoded,
            text,
            max_source_length=max_source_length,
            max_target_length=max_target_length,
            cache=cache,
        )
    if len(encoded) == 0:
        raise UserError("pairs_or_encoded: expected at least one pair, got none; check the input")
    plan = BatchPlan(
        encoded.source_lengths + 1, encoded.target_lengths + 1, tokens_per_batch, shapes, seed, shuffle
    )
    logger.info("batches:\n%s", plan)
    passes = 0

    def generate():
        nonlocal passes
        for indices, shape in plan.epoch(passes):
            yield assemble(encoded, indices, shape)
        passes += 1

    ids = tf.TensorSpec([None, None], tf.int32)
    dataset = tf.data.Dataset.from_generator(
        generate,
        output_signature=({"source": ids, "target": ids}, ids, tf.TensorSpec([None, None], tf.float32)),
    )
    options = tf.data.Options()
    options.autotune.enabled = False  # its teardown makes `fit` hang for seconds
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(plan.steps)).prefetch(4)
    return dataset.with_options(options)


def assemble(
    encoded: EncodedPairs, indices: np.ndarray, shape: tuple[int, int, int]
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return one batch of the static shape; rows beyond the indices are all padding with weight 0."""
    batch, source_length, target_length = shape
    source = np.full((batch, source_length), PADDING, np.int32)
    labels = np.full((batch, target_length), PADDING, np.int32)
    count = len(indices)
    source[:count, :-1], labels[:count, :-1] = encoded.gather(indices, source_length - 1, target_length - 1)
    rows = np.arange(count)
    source[rows, encoded.source_lengths[indices]] = END
    target_lengths = encoded.target_lengths[indices]
    labels[rows, target_lengths] = END
    weights = np.zeros((batch, target_length), np.float32)
    weights[:count] = np.arange(target_length) <= target_lengths[:, None]
    target = np.full((batch, target_length), PADDING, np.int32)
    target[:count, 1:] = np.where(weights[:count, 1:] > 0, labels[:count, :-1], PADDING)
    target[:count, 0] = START
    return {"source": source, "target": target}, labels, weights
