"""R-Drop: two passes under different dropout should agree."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.training.losses import SmoothedCrossEntropy, log_sum_exp


@ops.custom_gradient
def disagreement(logits: Any) -> tuple[Any, Any]:
    """KL(p || q) + KL(q || p) = sum_v (p_v - q_v) (log p_v - log q_v) = E_p[a] - E_q[a], with a = z_p - z_q.

    By z_p, the gradient is p (a - E_p[a]) + p - q; by z_q the same with the two exchanged.

    Args:
        logits: (batch, length, vocabulary) in float32, z_p in the first half of the batch and z_q in the second.

    Returns:
        (batch / 2, length).
    """
    _, (exponential, share) = log_sum_exp(logits)
    p, q = ops.split(exponential * share, 2, axis=0)
    first, second = ops.split(logits, 2, axis=0)
    a = first - second
    mean_p, mean_q = (ops.sum(each * a, axis=-1, keepdims=True) for each in (p, q))

    def gradient(*upstream: Any, **_: Any) -> Any:
        above = ops.expand_dims(upstream[0], -1)
        by_p, by_q = p * (a - mean_p) + p - q, q * (mean_q - a) + q - p
        return ops.concatenate([above * by_p, above * by_q], axis=0)

    return ops.squeeze(mean_p - mean_q, -1), gradient


@keras.saving.register_keras_serializable("keras_attn")
class RDrop(SmoothedCrossEntropy):
    """l = CE_1 + CE_2 + alpha / 2 (KL(p_1 || p_2) + KL(p_2 || p_1)), halved, so that it is on the scale of one CE.

    Every example comes twice in a batch, the second halves of inputs, labels and weights equal to the first
    (`training.twice` makes it so), and dropout draws for each row. Without dropout, as in validation, the passes agree,
    and this is `SmoothedCrossEntropy`.

    Args:
        alpha: weight of the disagreement, 0 or more; 5 for translation in the paper.
        smoothing: of the labels.

    Source: Wu, Li et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", eq. 2-4.
    """

    def __init__(self, alpha: float = 5.0, smoothing: float = 0.0, **kwargs: Any):
        super().__init__(smoothing, **kwargs)
        expect(alpha >= 0, "alpha", "0 or more", alpha)
        self.alpha = alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        apart = disagreement(ops.cast(y_pred, "float32"))  # (batch / 2, length)
        # Of the mean over 2 n tokens each has a quarter: the sum over both halves is alpha / 2, and that is halved.
        return super().call(y_true, y_pred) + self.alpha / 4 * ops.concatenate([apart, apart], axis=0)

    def get_config(self) -> dict:
        return {**super().get_config(), "alpha": self.alpha}
