"""The optimizer of a run: how far, in which direction, how smoothly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

import keras

from keras_attn.errors import UserError, expect, one_of
from keras_attn.training.schedules import EveryFew, InverseSquareRoot, LinearDecay
from keras_attn.training.whole_updates import of_whole_updates

Schedule = Literal["inverse_square_root", "linear", "cosine", "plateau"]
Optimizer = Literal["adam", "adamw"]


def learning_rate(schedule: Any, peak: float, warmup: int, total: int | None) -> Any:
    """Return the rate as Keras' optimizers take it.

    Args:
        schedule: a name from `Schedule`, or a schedule of Keras, which comes back as it is.
        peak: the highest rate.
        warmup: updates until then; where `total` counts, at most a quarter of it.
        total: updates of the whole run, None if that is not known.

    Raises:
        UserError: no such schedule, or it needs a `total`.
    """
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return schedule
    one_of("schedule", schedule, get_args(Schedule))
    if schedule == "plateau":
        return peak
    if schedule == "inverse_square_root":
        return InverseSquareRoot(peak, warmup)
    if total is None:
        raise UserError(f"schedule: {schedule!r} ends with the run; give `epochs` or `updates`, got minutes alone")
    total = max(2, total)
    warmup = max(1, min(warmup, total // 4))
    if schedule == "linear":
        return LinearDecay(peak, warmup, total)
    # The first update already has a rate, as in the schedules of this package.
    return keras.optimizers.schedules.CosineDecay(
        peak / warmup, total - warmup, warmup_target=peak, warmup_steps=warmup
    )


def make_optimizer(
    name: str,
    rate: Any,
    variables: Iterable[Any],
    clip_norm: float,
    weight_decay: float = 0.0,
    ema: float | None = None,
    accumulate: int = 1,
    total: Callable[[Sequence[Any]], list[Any]] | None = None,
) -> keras.optimizers.Optimizer:
    """Return Adam as the Transformer's paper sets it, beta_2 = 0.98 and epsilon = 1e-9, or AdamW.

    AdamW takes rate * weight_decay * w from a weight w beside Adam's step. Biases and vectors (gains and offsets of
    normalizations, scales) keep what they have.

    Args:
        name: "adam" or "adamw".
        rate: a number or a schedule.
        variables: the model's trainable variables.
        clip_norm: gradients longer than this, all weights together, are scaled down to it.
        weight_decay: AdamW's; 0 for Adam.
        ema: share of the old average in the moving average of the weights, see `AveragedWeights`; None for none.
        accumulate: make an update of the mean of so many gradients; its length, and the average, are the update's.
        total: adds gradients up over replicas, see `replicas.collectives`; None for one replica.

    Raises:
        UserError: no such optimizer, a number out of range, or a weight decay for Adam.

    Source: Kingma and Ba 2015; Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    """
    one_of("optimizer", name, get_args(Optimizer))
    expect(weight_decay >= 0, "weight_decay", "at least 0", weight_decay)
    expect(ema is None or 0 <= ema < 1, "ema", "at least 0 and below 1, such as 0.999, or None", ema)
    common: dict[str, Any] = {"beta_2": 0.98, "epsilon": 1e-9, "global_clipnorm": clip_norm}
    if ema is not None:
        common |= {"use_ema": True, "ema_momentum": ema}
    adam, adamw = keras.optimizers.Adam, keras.optimizers.AdamW
    if accumulate > 1 or total is not None:
        adam, adamw = of_whole_updates(adam, total), of_whole_updates(adamw, total)
    if accumulate > 1:
        common["gradient_accumulation_steps"] = accumulate
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            rate = EveryFew(rate, accumulate)
    if name == "adam":
        expect(not weight_decay, "weight_decay", "0 with Adam (AdamW decays weights)", weight_decay)
        return adam(rate, **common)
    optimizer = adamw(rate, weight_decay=weight_decay, **common)
    kept = [variable for variable in variables if len(variable.shape) < 2 or "bias" in variable.name]
    optimizer.exclude_from_weight_decay(var_list=kept)
    return optimizer
