"""Batches for `model.fit`: a `tf.data` wrapper over epochs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_attn.data.encoded import EncodedPairs
from keras_attn.data.epochs import Epochs
from keras_attn.data.parts import Parts
from keras_attn.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import tensorflow as tf


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
    sampling: float = 0.0,
    first_epoch: int = 0,
    first_batch: int = 0,
    accumulate: int = 1,
    replicas: int = 1,
    mine: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Return a finite dataset of ({"source", "target"}, labels, weights) for `model.fit`.

    What a batch holds says `Epochs`; which passes there are, `as_dataset`. Who needs the plan as well, say the
    number of batches or their tokens, calls these two.

    Args:
        pairs_or_encoded, text, tokens_per_batch, shapes, seed, shuffle, max_source_length, max_target_length, cache,
            sampling: see `Epochs`.
        first_epoch, first_batch, accumulate, replicas, mine: see `as_dataset`.

    Raises:
        UserError: as `Epochs`, or no such position.
    """
    epochs = Epochs(
        pairs_or_encoded,
        text,
        tokens_per_batch=tokens_per_batch,
        shapes=shapes,
        seed=seed,
        shuffle=shuffle,
        max_source_length=max_source_length,
        max_target_length=max_target_length,
        cache=cache,
        sampling=sampling,
    )
    where: dict[str, Any] = {"first_epoch": first_epoch, "first_batch": first_batch}
    return as_dataset(epochs, **where, accumulate=accumulate, replicas=replicas, mine=mine)


def as_dataset(
    epochs: Epochs,
    *,
    first_epoch: int = 0,
    first_batch: int = 0,
    accumulate: int = 1,
    replicas: int = 1,
    mine: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Return a dataset of which each pass is an epoch.

    A pass gives the next epoch once the pass before it was gone through to its last batch; so looking at a few
    batches shifts nothing, and the same seed gives the same batches.

    To go on where a training stopped after b batches of epoch e, take `first_epoch=e, first_batch=b` and
    `model.fit(..., initial_epoch=e)`. The first pass then has `epochs.steps - b` batches, the ones that were not
    seen, and those after it are whole. Its cardinality is `epochs.steps` all the same, as Keras asks once and takes it
    for every pass. So the caller has to end that epoch: `training.callbacks.ShortEpoch(epochs.steps - b)` does. Without
    it Keras asks for one batch more, warns ("Your input ran out of data") and goes on with the next epoch, but the step
    that got no batch may have counted the optimizer's updates on.

    Args:
        epochs: the batches.
        first_epoch, first_batch: where the first pass starts, counted from 0.
        accumulate, replicas: batches, and replicas of the model, that make an update together: weights are then shares
            of the labels of the whole update, for a loss that is their sum, see `Parts`.
        mine: the replicas of this process: for each batch come their parts, one after the other. None for the rows of
            all in one batch.

    Raises:
        UserError: no such position, or a number below 1.
    """
    import tensorflow as tf

    epochs.check(first_epoch, first_batch)
    parts = Parts(epochs, accumulate, replicas)
    shares = [-1] if mine is None else list(mine)
    position = first_epoch, first_batch

    def begin() -> np.ndarray:
        """The (epoch, step, replica) of all parts of a pass, int64 (parts, 3)."""
        epoch, first = position
        return np.array([(epoch, step, one) for step in range(first, epochs.steps) for one in shares], np.int64)

    def advance() -> np.int64:
        nonlocal position
        position = position[0] + 1, 0
        return np.int64(position[0])

    def steps_of_a_pass(_):
        steps = tf.numpy_function(begin, [], tf.int64)
        # Without a check, so that the cardinality is known and a first pass may have fewer. `assert_cardinality` is an
        # error for these, and with no cardinality at all, Keras takes the length of its first pass for all of them.
        steps.set_shape([epochs.steps * len(shares), 3])
        return steps

    def make(epoch: np.int64, step: np.int64, replica: np.int64) -> tuple[np.ndarray, ...]:
        inputs, labels, weights = parts.batch(int(epoch), int(step), None if replica < 0 else int(replica))
        return inputs["source"], inputs["target"], labels, weights

    def one_batch(place):
        types = [tf.int32, tf.int32, tf.int32, tf.float32]
        source, target, labels, weights = (
            tf.ensure_shape(part, [None, None])
            for part in tf.numpy_function(make, [place[0], place[1], place[2]], types)
        )
        last = (place[1] == epochs.steps - 1) & (place[2] == shares[-1])
        return ({"source": source, "target": target}, labels, weights), last

    def deliver(batch, last):
        # Behind the prefetch, hence when the reader takes the last batch, not when that is made ready. `fit`
        # knows how many batches there are and never asks for one more: the end of the data would be too late.
        tf.cond(last, lambda: tf.numpy_function(advance, [], tf.int64), lambda: tf.constant(0, tf.int64))
        return batch

    # Not `from_generator`, which takes twice the time (2 against 1 ms for a batch of 4,096 tokens).
    dataset = tf.data.Dataset.range(1).map(steps_of_a_pass).unbatch().map(one_batch).prefetch(4).map(deliver)
    options = tf.data.Options()
    options.autotune.enabled = False  # tearing it down takes seconds at the end of `fit`
    return dataset.with_options(options)
