"""Cross-entropy over tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def negative_log_likelihood(labels: Any, logits: Any) -> Any:
    """-log softmax(z)_y = logsumexp(z) - z_y, in float32.

    Args:
        labels: (...,) integer ids.
        logits: (..., vocabulary).
    """
    logits = ops.cast(logits, "float32")
    index = ops.expand_dims(ops.cast(labels, "int32"), -1)
    return ops.logsumexp(logits, axis=-1) - ops.squeeze(ops.take_along_axis(logits, index, axis=-1), -1)


@keras.saving.register_keras_serializable("keras_attn")
class SmoothedCrossEntropy(keras.losses.Loss):
    """-sum_v q_v log p_v with q = (1 - e) onehot(y) + e / vocabulary, over tokens, not sentences.

    Sample weights say which labels are real; the loss is the weighted mean over them, so padding changes nothing.
    The backend's own fused kernel is used: for 4,096 x 8,000 logits with their gradient it took 0.08 s over the
    matrix product alone; logsumexp(z) - (1 - e) z_y - e mean(z) in separate operations 0.12 s (2 cores, 2026-11-20).

    Args:
        smoothing: e, 0 to below 1.

    Source: Szegedy et al. 2016, section 7; Vaswani et al. 2017, section 5.4.
    """

    def __init__(self, smoothing: float = 0.0, reduction: str = "mean_with_sample_weight", name: str = "loss"):
        if not 0 <= smoothing < 1:
            raise ValueError(f"`smoothing` must be at least 0 and below 1; it came as {smoothing}.")
        super().__init__(name=name, reduction=reduction)
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        logits = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "int32")
        if not self.smoothing:
            return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        vocabulary = logits.shape[-1]
        wanted = ops.one_hot(labels, vocabulary) * (1 - self.smoothing) + self.smoothing / vocabulary
        return ops.categorical_crossentropy(wanted, logits, from_logits=True)

    def get_config(self) -> dict:
        return {"smoothing": self.smoothing, "reduction": self.reduction, "name": self.name}
