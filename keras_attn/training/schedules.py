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
