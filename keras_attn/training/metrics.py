"""What is measured while training. Hand these to `compile(weighted_metrics=...)`: they count real labels only."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.training.losses import negative_log_likelihood


@keras.saving.register_keras_serializable("keras_attn")
class Perplexity(keras.metrics.Metric):
    """exp of the mean negative log-likelihood per token: weighted by tokens over the whole epoch, never smoothed."""

    def __init__(self, name: str = "perplexity", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        loss = negative_log_likelihood(y_true, y_pred)
        weight = ops.ones_like(loss) if sample_weight is None else ops.cast(sample_weight, loss.dtype)
        self.total.assign_add(ops.sum(loss * weight))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Any:
        return ops.exp(self.total / ops.maximum(self.count, 1.0))


@keras.saving.register_keras_serializable("keras_attn")
class TokenCount(keras.metrics.Metric):
    """Real labels seen in the epoch: what a rate in tokens per second divides by its seconds."""

    def __init__(self, name: str = "tokens", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        real = ops.ones_like(y_true) if sample_weight is None else sample_weight > 0
        self.count.assign_add(ops.sum(ops.cast(real, self.count.dtype)))

    def result(self) -> Any:
        return ops.copy(self.count)  # the logs must not follow the variable into the validation pass
