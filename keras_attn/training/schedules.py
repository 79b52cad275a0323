"""Learning rates over the course of training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_attn")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """rate = peak * min(step / warmup, sqrt(warmup / step)): linear up, then down with the root of time.

    Args:
        peak: the highest rate, reached after `warmup` updates.
        warmup: number of updates until then, at least 1.

    Source: Vaswani et al. 2017, eq. 3, with the peak as the parameter.

    >>> rate = InverseSquareRoot(peak=1e-3, warmup=100)
    >>> [round(float(rate(step)), 6) for step in (49, 99, 399)]
    [0.0005, 0.001, 0.0005]
    """

    def __init__(self, peak: float, warmup: int):
        if peak <= 0 or warmup < 1:
            raise ValueError(f"`peak` must be above 0 and `warmup` at least 1; they came as {peak} and {warmup}.")
        self.peak, self.warmup = peak, warmup

    def __call__(self, step: Any) -> Any:
        update = ops.cast(step, "float32") + 1.0  # the first update already has a rate
        return self.peak * ops.minimum(update / self.warmup, ops.sqrt(self.warmup / update))

    def get_config(self) -> dict:
        return {"peak": self.peak, "warmup": self.warmup}


def noam(width: int, warmup: int, factor: float = 1.0) -> InverseSquareRoot:
    """rate = factor * d^-0.5 * min(step^-0.5, step * warmup^-1.5), the rate of the paper with its parameters.

    Args:
        width: d, the model's features.
        warmup: updates until the highest rate, factor / sqrt(d * warmup).
        factor: 1 in the paper.

    Source: Vaswani et al. 2017, eq. 3.

    >>> rate = noam(width=512, warmup=4000)
    >>> [round(float(rate(step)), 7) for step in (0, 3999, 15999)]
    [2e-07, 0.0006988, 0.0003494]
    """
    return InverseSquareRoot(factor * (width * warmup) ** -0.5, warmup)


@keras.saving.register_keras_serializable("keras_attn")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """rate = peak * min(step / warmup, (total - step) / (total - warmup)): linear up, then linear down to zero.

    For a run whose length is known beforehand: it ends at small rates, which settles the weights.

    Args:
        peak: the highest rate, reached after `warmup` updates.
        warmup: number of updates until then, at least 1.
        total: number of updates of the whole run, above `warmup`; later ones have rate 0.

    >>> rate = LinearDecay(peak=1e-3, warmup=100, total=300)
    >>> [round(float(rate(step)), 6) for step in (49, 99, 199, 299)]
    [0.0005, 0.001, 0.0005, 0.0]
    """

    def __init__(self, peak: float, warmup: int, total: int):
        if peak <= 0 or warmup < 1 or total <= warmup:
            raise ValueError(
                "`peak` must be above 0, `warmup` at least 1 and `total` above it; they came as "
                f"{peak}, {warmup} and {total}. Train for more updates or warm up for fewer."
            )
        self.peak, self.warmup, self.total = peak, warmup, total

    def __call__(self, step: Any) -> Any:
        update = ops.cast(step, "float32") + 1.0
        left = ops.maximum(self.total - update, 0.0) / (self.total - self.warmup)
        return self.peak * ops.minimum(update / self.warmup, left)

    def get_config(self) -> dict:
        return {"peak": self.peak, "warmup": self.warmup, "total": self.total}


@keras.saving.register_keras_serializable("keras_attn")
class EveryFew(keras.optimizers.schedules.LearningRateSchedule):
    """rate(floor(n / k)): a schedule of updates for an optimizer that accumulates k batches, as Keras counts these.

    Args:
        schedule: of updates.
        count: k.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, count: int):
        self.schedule, self.count = schedule, count

    def __call__(self, step: Any) -> Any:
        return self.schedule(ops.floor_divide(step, self.count))

    def get_config(self) -> dict:
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "count": self.count}

    @classmethod
    def from_config(cls, config: dict) -> EveryFew:
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["count"])
