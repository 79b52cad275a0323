"""Compile, callbacks, fit: what `views.training.fit` needs, on one page."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from keras_attn.errors import UserError, expect
from keras_attn.training.callbacks import AveragedWeights, BestWeights, Checkpoints, DecodedScore, Limits, StaticShapes
from keras_attn.training.losses import SmoothedCrossEntropy
from keras_attn.training.metrics import MeanLoss, Perplexity, TokenCount
from keras_attn.training.optimizers import Optimizer, Schedule, learning_rate, make_optimizer
from keras_attn.training.rdrop import RDrop
from keras_attn.training.replicas import Replicas
from keras_attn.training.replicas.limits import check_together

ANY = 1_000_000  # epochs of a training that minutes end


def fit(
    views: Any,
    batches: Any,
    *,
    validation: Iterable[Any] | None = None,
    score: Callable[[], float] | None = None,
    epochs: int | None = 20,
    updates: int | None = None,
    minutes: float | None = None,
    updates_per_epoch: int | None = None,
    accumulate: int = 1,
    optimizer: Optimizer = "adam",
    weight_decay: float = 0.0,
    peak: float = 2e-3,
    warmup: int = 1000,
    schedule: Schedule | keras.optimizers.schedules.LearningRateSchedule = "inverse_square_root",
    smoothing: float = 0.1,
    rdrop: float | None = None,
    clip_norm: float = 1.0,
    jit: bool = False,
    ema: float | None = None,
    patience: int | None = None,
    best: str | os.PathLike[str] | None = None,
    checkpoints: Checkpoints | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: Any = "auto",
) -> keras.callbacks.History:
    """Train `views.training` and leave it with its best weights.

    The same in plain Keras: `views.training.compile(optimizer, SmoothedCrossEntropy(0.1),
    weighted_metrics=[Perplexity()])`, then `views.training.fit(batches, epochs=20)`.

    Args:
        views: `models.Views`.
        batches: a `tf.data.Dataset` of ({"source", "target"}, labels, weights), one epoch long; with `checkpoints` a
            callable that returns one which starts at `first_epoch` and `first_batch`, such as
            `functools.partial(data.batches, pairs, text)`; to accumulate, one that takes `accumulate` as well.
        validation: the same for validation loss and perplexity.
        score: a callable with a `name`, such as `Bleu(decode, pairs)`: called after each epoch, logged as
            `val_<name>`; higher is better. Without it `val_perplexity`, or else `loss`, chooses the best weights.
        epochs: passes over the data, or over `updates_per_epoch`; None for as many as `updates` or `minutes` allow.
        updates, minutes: stop after so many, in the middle of an epoch if need be, which is then scored.
        updates_per_epoch: call it an epoch after so many updates, going on where the last one ended; None for one pass.
        accumulate: make an update of so many batches, with the gradient of the mean over all their labels, as if they
            were one. They are counted from the first batch of the training, on over the ends of epochs; what is over
            at the very end is left out. Updates, here and in a schedule, are the optimizer's.
        optimizer, weight_decay: "adam", or "adamw" with its decay, see `optimizers.make_optimizer`.
        peak, warmup: highest learning rate, and the updates it takes to get there (at most a quarter of all with
            "linear" and "cosine").
        schedule: "inverse_square_root" of the update after warm-up; "linear" and "cosine" fall to zero at the last
            update; "plateau" stays at `peak` and halves it whenever the monitored value has not improved for two
            epochs; or a schedule of Keras, such as `noam(width, warmup)`, to which `peak` and `warmup` are nothing.
        smoothing: label smoothing, see `SmoothedCrossEntropy`.
        rdrop: weight of the disagreement of two passes over every batch, see `RDrop`: an update then costs two, and
            the tokens of both are counted. None for one pass.
        clip_norm: gradients longer than this, all weights together, are scaled down to it.
        jit: compile the step with XLA, once for each shape of batches.
        ema: share of the old average in a moving average of the weights, such as 0.999, which is what is scored and
            kept; None for none.
        patience: stop after so many epochs without improvement; None never stops early.
        best: where the best weights are kept (`.weights.h5`); None keeps them in memory, or beside the
            checkpoints.
        checkpoints: writes what a killed training goes on from; the same call then ends with the same weights, bit
            for bit on a CPU.
        callbacks: further ones; they see the score in the logs.
        verbose: as in `keras.Model.fit`.

    Returns:
        Keras' History.
    """
    expect(any((epochs, updates, minutes)), "epochs", "some, or `updates`, or `minutes`", epochs)
    expect(accumulate >= 1, "accumulate", "at least 1", accumulate)
    replicas = Replicas.of(views.training)
    if replicas.strategy is not None:
        half = any(layer.compute_dtype == "float16" for layer in views.training._flatten_layers())
        check_together(replicas.count, accumulate=accumulate, jit=jit, precision="float16" if half else "float32")
    in_parts = accumulate > 1 or replicas.count > 1
    if in_parts:
        batches = _in_parts(batches, accumulate=accumulate, replicas=replicas.count, mine=replicas.mine)
    steps = None if updates_per_epoch is None else updates_per_epoch * accumulate
    if checkpoints is not None:
        batches, steps = checkpoints.open(batches, updates_per_epoch, accumulate, replicas)
        best = best or checkpoints.folder / "best.weights.h5"
    elif callable(batches):
        batches = batches()
    if rdrop is not None:
        from keras_attn.training.twice import twice

        batches, validation = twice(batches), None if validation is None else twice(validation)
    if replicas.strategy is not None:
        steps = steps or replicas.length(batches)
    per_epoch, last = steps or _length(batches), None if updates is None else updates * accumulate  # batches
    most = [number // accumulate for number in (last, per_epoch and epochs and epochs * per_epoch) if number]
    rate = learning_rate(schedule, peak, warmup, min(most, default=None))
    # Weights of parts are shares of an update.
    how: dict[str, Any] = {"smoothing": smoothing, "reduction": "sum" if in_parts else "mean_with_sample_weight"}
    loss = SmoothedCrossEntropy(**how) if rdrop is None else RDrop(rdrop, **how)
    model = replicas.model(views.training, batches)
    common = (clip_norm, weight_decay, ema, accumulate, replicas.total)
    with replicas.scope():
        metrics = [Perplexity(), TokenCount()]
        if in_parts:
            metrics.append(MeanLoss(loss))
        model.compile(
            optimizer=make_optimizer(optimizer, rate, model.trainable_variables, *common),
            loss=loss,
            weighted_metrics=metrics,
            jit_compile=jit,
        )
    if accumulate > 1 and hasattr(model.optimizer, "inner_optimizer"):
        raise UserError(
            "accumulate: expected 1 in float16, whose optimizer leaves out batches when gradients overflow, got "
            f"{accumulate}; take bfloat16"
        )
    monitor, mode = "loss", "min"
    if validation is not None:
        monitor = "val_perplexity"
    if score is not None:
        monitor, mode = f"val_{getattr(score, 'name', 'score')}", "max"
    everyone: list[keras.callbacks.Callback] = []
    averaged = AveragedWeights()
    if ema is not None:
        everyone.append(averaged)
    if score is not None:
        everyone.append(DecodedScore(replicas.asked(score), name=monitor[4:]))
    everyone.append(BestWeights(monitor, mode, best if replicas.chief else None))
    everyone += callbacks  # after the weights: a picture may fail
    if schedule == "plateau":
        everyone.append(keras.callbacks.ReduceLROnPlateau(monitor, factor=0.5, patience=2, mode=mode))
    if patience is not None:
        everyone.append(keras.callbacks.EarlyStopping(monitor, patience=patience, mode=mode))
    if ema is not None:
        everyone.append(averaged.last())
    static = jit and keras.backend.backend() == "tensorflow"
    if static and any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers()):
        everyone.append(StaticShapes())
    everyone.append(Limits(last, minutes, replicas.agree))  # last, as scores take time too
    begun = 0
    epochs = epochs or (-(-last // per_epoch) if last and per_epoch else ANY)
    if checkpoints is not None:
        everyone = checkpoints.around(everyone, batches, monitor, mode)
        begun = checkpoints.epoch
        epochs = begun if checkpoints.stopped else epochs
    rounds = None
    if replicas.count > 1 and validation is not None:
        validation, rounds = replicas.deal_whole(validation)
    with replicas.losses_told():
        history = model.fit(
            replicas.deal(batches if steps is None else batches.repeat()),
            validation_data=validation,
            validation_steps=rounds,
            initial_epoch=begun,
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=everyone,
            verbose=verbose,
            shuffle=False,
        )
        replicas.same_weights(model)
    return history


def _in_parts(batches: Any, **parts: Any) -> Callable[..., Any]:
    """The same data with weights that are shares of an update, if whoever makes them can."""
    try:
        inspect.signature(batches).bind_partial(**parts)
    except TypeError:
        raise UserError(
            f"batches: expected a callable that takes {', '.join(parts)}, such as functools.partial(data.batches, "
            f"pairs, text), as weights depend on what makes an update together; got {type(batches).__name__}"
        ) from None
    return functools.partial(batches, **parts)


def _length(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:  # unknown, or without end
        return None
