"""What is measured while training. Hand these to `compile(weighted_metrics=...)`: they count real labels only.

A label is real if its weight is above 0, whatever it counts in the loss of its update (`data.Parts`).
"""

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
        self._add(negative_log_likelihood(y_true, y_pred), sample_weight)

    def _add(self, loss: Any, sample_weight: Any) -> None:
        real = ops.ones_like(loss) if sample_weight is None else ops.cast(sample_weight > 0, loss.dtype)
        self.total.assign_add(ops.sum(loss * real))
        self.count.assign_add(ops.sum(real))

    def result(self) -> Any:
        return ops.exp(self.total / ops.maximum(self.count, 1.0))


@keras.saving.register_keras_serializable("keras_attn")
class MeanLoss(Perplexity):
    """The mean of a loss per token over the whole epoch.

    For updates that are made of parts, whose losses are sums of shares; called "loss", it stands in the logs in the
    place of Keras' own.

    Args:
        loss: one with a value for each label, such as `SmoothedCrossEntropy`.
    """

    def __init__(self, loss: Any, name: str = "loss", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.get(loss)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._add(self.loss.call(y_true, y_pred), sample_weight)

    def result(self) -> Any:
        return self.total / ops.maximum(self.count, 1.0)

    def get_config(self) -> dict:
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


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
