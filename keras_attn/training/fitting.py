"""Compile, callbacks, fit: what `views.training.fit` needs, on one page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

import keras

from keras_attn.errors import expect
from keras_attn.training.callbacks import BestWeights, DecodedScore
from keras_attn.training.losses import SmoothedCrossEntropy
from keras_attn.training.metrics import Perplexity, TokenCount
from keras_attn.training.schedules import InverseSquareRoot, LinearDecay

Schedule = Literal["inverse_square_root", "linear", "plateau"]


def fit(
    views: Any,
    batches: Any,
    *,
    validation: Iterable[Any] | None = None,
    score: Callable[[], float] | None = None,
    epochs: int = 20,
    updates_per_epoch: int | None = None,
    peak: float = 2e-3,
    warmup: int = 1000,
    schedule: Schedule = "inverse_square_root",
    smoothing: float = 0.1,
    clip_norm: float = 1.0,
    patience: int | None = None,
    best: str | os.PathLike[str] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: Any = "auto",
) -> keras.callbacks.History:
    """Train `views.training` and leave it with its best weights.

    The same in plain Keras: `views.training.compile(optimizer, SmoothedCrossEntropy(0.1),
    weighted_metrics=[Perplexity()])`, then `views.training.fit(batches, epochs=20)`.

    Args:
        views: `models.Views`.
        batches: a `tf.data.Dataset` of ({"source", "target"}, labels, weights), one epoch long.
        validation: the same for validation loss and perplexity.
        score: a callable with a `name`, such as `Bleu(decode, pairs)`: called after each epoch, logged as
            `val_<name>`; higher is better. Without it `val_perplexity`, or else `loss`, chooses the best weights.
        epochs: passes over the data, or over `updates_per_epoch`.
        updates_per_epoch: call it an epoch after so many updates, going on where the last one ended; None for one pass.
        peak, warmup: highest learning rate, and the updates it takes to get there (with "linear" at most a quarter
            of all).
        schedule: "inverse_square_root" of the update after warm-up; "linear" falls to zero at the last update;
            "plateau" stays at `peak` and halves it whenever the monitored value has not improved for two epochs.
        smoothing: label smoothing, see `SmoothedCrossEntropy`.
        clip_norm: gradients longer than this, all weights together, are scaled down to it.
        patience: stop after so many epochs without improvement; None never stops early.
        best: where the best weights are kept (`.weights.h5`); None keeps them in memory.
        callbacks: further ones; they see the score in the logs.
        verbose: as in `keras.Model.fit`.

    Returns:
        Keras' History.
    """
    expect(schedule in get_args(Schedule), "schedule", f"one of {', '.join(get_args(Schedule))}", schedule)
    rate: Any = peak
    if schedule == "inverse_square_root":
        rate = InverseSquareRoot(peak, warmup)
    elif schedule == "linear":
        total = max(2, epochs * int(updates_per_epoch or len(batches)))
        rate = LinearDecay(peak, max(1, min(warmup, total // 4)), total)
    model = views.training
    model.compile(
        optimizer=keras.optimizers.Adam(rate, beta_2=0.98, epsilon=1e-9, global_clipnorm=clip_norm),
        loss=SmoothedCrossEntropy(smoothing),
        weighted_metrics=[Perplexity(), TokenCount()],
        jit_compile=False,  # XLA has no gradient for loops of unknown length
    )
    monitor, mode = "loss", "min"
    if validation is not None:
        monitor = "val_perplexity"
    if score is not None:
        monitor, mode = f"val_{getattr(score, 'name', 'score')}", "max"
    everyone: list[keras.callbacks.Callback] = [] if score is None else [DecodedScore(score, name=monitor[4:])]
    everyone += [BestWeights(monitor, mode, best), *callbacks]  # weights first: a picture may fail
    if schedule == "plateau":
        everyone.append(keras.callbacks.ReduceLROnPlateau(monitor, factor=0.5, patience=2, mode=mode))
    if patience is not None:
        everyone.append(keras.callbacks.EarlyStopping(monitor, patience=patience, mode=mode))
    return model.fit(
        batches if updates_per_epoch is None else batches.repeat(),
        validation_data=validation,
        epochs=epochs,
        steps_per_epoch=updates_per_epoch,
        callbacks=everyone,
        verbose=verbose,
        shuffle=False,
    )
