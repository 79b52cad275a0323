"""Batches for `model.fit`: a `tf.data` wrapper over the batch plan."""

from __future__ import annotations

import functools
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
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Return a finite dataset of ({"source", "target"}, labels, weights) for `model.fit`.

    With (b, s, t) the shape of a batch, see `BatchPlan`, a sentence x and its translation y are

        source   int32   (b, s)   x1 .. xn end
        target   int32   (b, t)   start y1 .. ym
        labels   int32   (b, t)   y1 .. ym end
        weights  float32 (b, t)   1 where labels are, else 0

    and the rest is padding, id 0. A pass gives the plan's next epoch once the pass before it was gone through
    to its last batch; so looking at a few batches shifts nothing, and the same seed gives the same batches.

    Args:
        pairs_or_encoded: what `read_pairs` gives, (source, target) strings, or `EncodedPairs`.
        text: the tokenizer of pairs of text.
        tokens_per_batch, shapes, seed, shuffle: see `BatchPlan`; lengths count the added start or end.
        max_source_length, max_target_length, cache: see `EncodedPairs.encode`.
        first_epoch: the epoch of the first pass, to go on where a training stopped.

    Raises:
        UserError: no pairs, or no tokenizer for text.
    """
    import tensorflow as tf

    encoded = _encoded(pairs_or_encoded, text, max_source_length, max_target_length, cache)
    plan = BatchPlan(encoded.source_lengths + 1, encoded.target_lengths + 1, tokens_per_batch, shapes, seed, shuffle)
    logger.info("batches:\n%s", plan)
    epoch = first_epoch
    order = functools.lru_cache(maxsize=2)(lambda number: list(plan.epoch(number)))

    def current() -> np.int64:
        return np.int64(epoch)

    def advance() -> np.int64:
        nonlocal epoch
        epoch += 1
        return np.int64(epoch)

    def make(number: np.int64, step: np.int64) -> tuple[np.ndarray, ...]:
        inputs, labels, weights = assemble(encoded, *order(int(number))[step])
        return inputs["source"], inputs["target"], labels, weights

    def one_batch(number, step):
        types = [tf.int32, tf.int32, tf.int32, tf.float32]
        source, target, labels, weights = (
            tf.ensure_shape(part, [None, None]) for part in tf.numpy_function(make, [number, step], types)
        )
        return ({"source": source, "target": target}, labels, weights), step == plan.steps - 1

    def one_epoch(number):
        return tf.data.Dataset.range(plan.steps).map(lambda step: one_batch(number, step))

    def deliver(batch, last):
        # Behind the prefetch, hence when the reader takes the last batch, not when that is made ready. `fit`
        # knows how many batches there are and never asks for one more: the end of the data would be too late.
        tf.cond(last, lambda: tf.numpy_function(advance, [], tf.int64), lambda: tf.constant(0, tf.int64))
        return batch

    # Not `from_generator`, which takes twice the time (2 against 1 ms for a batch of 4,096 tokens).
    dataset = tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(current, [], tf.int64)).flat_map(one_epoch)
    dataset = dataset.prefetch(4).map(deliver)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(plan.steps))
    options = tf.data.Options()
    options.autotune.enabled = False  # tearing it down takes seconds at the end of `fit`
    return dataset.with_options(options)


def assemble(
    encoded: EncodedPairs, indices: np.ndarray, shape: tuple[int, int, int]
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return one batch as `batches` describes it, in NumPy; rows beyond the indices are all padding.

    Args:
        encoded: the corpus.
        indices: pairs, int (at most rows,).
        shape: (rows, source_length, target_length), lengths with start or end.
    """
    rows, source_length, target_length = shape
    used = np.arange(len(indices))
    source = np.full((rows, source_length), PADDING, np.int32)
    target = np.full((rows, target_length), PADDING, np.int32)
    labels = np.full((rows, target_length), PADDING, np.int32)
    weights = np.zeros((rows, target_length), np.float32)
    ids = encoded.gather(indices, source_length - 1, target_length - 1)
    source[used, :-1], labels[used, :-1], target[used, 1:] = ids[0], ids[1], ids[1]
    source[used, encoded.source_lengths[indices]] = END
    source[len(indices) :, 0] = END  # cuDNN refuses a row in which nothing may be seen
    labels[used, encoded.target_lengths[indices]] = END
    target[used, 0] = START
    weights[used] = np.arange(target_length) <= encoded.target_lengths[indices, None]
    return {"source": source, "target": target}, labels, weights


def _encoded(
    pairs: Iterable[tuple[str, str]] | EncodedPairs,
    text: Tokenizer | None,
    max_source_length: int | None,
    max_target_length: int | None,
    cache: str | os.PathLike | None,
) -> EncodedPairs:
    if isinstance(pairs, EncodedPairs):
        encoded = pairs
    elif text is None:
        raise UserError("text: expected a Tokenizer for pairs of text, got None; try Tokenizer.train(pairs)")
    else:
        encoded = EncodedPairs.encode(
            pairs, text, max_source_length=max_source_length, max_target_length=max_target_length, cache=cache
        )
    if len(encoded) == 0:
        name = getattr(pairs, "name", "pairs")
        why = f"all {encoded.dropped:,} have a side over the longest length" if encoded.dropped else "it is empty"
        raise UserError(f"pairs_or_encoded: expected at least one pair in {name}, got none; {why}")
    if encoded.dropped:
        total = len(encoded) + encoded.dropped
        logger.info("batches: %d of %d pairs have a side over the longest length, left out", encoded.dropped, total)
    return encoded
