"""How a layer that draws learns: from the reward of what it drew."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops.weights import widened


def surrogate(
    log_probability: Any,
    entropy: Any,
    reward: Any,
    baseline: Any,
    reward_weight: float = 1.0,
    entropy_weight: float = 0.0,
) -> Any:
    """A number for each example whose gradient, with the sign turned, is the learning rule of the paper:

    -sum_t [ l_r (R - b) log p(s_t | a) + l_e H[s_t] ], with R - b taken as given.

    Args:
        log_probability: log p(s_t | a), (batch, query_length).
        entropy: H[s_t], (batch, query_length).
        reward: R, (batch,), or one for each draw (batch, query_length).
        baseline: b, ().
        reward_weight, entropy_weight: l_r and l_e.

    Returns:
        (batch,).

    Source: Xu et al. 2015, section 4.1, the last equation (without its first term, the loss on the labels).
    """
    if len(reward.shape) < len(log_probability.shape):
        reward = ops.expand_dims(reward, -1)  # (batch, 1)
    advantage = ops.stop_gradient(reward - baseline)
    return -ops.sum(reward_weight * advantage * log_probability + entropy_weight * entropy, axis=-1)  # (batch,)


@keras.saving.register_keras_serializable("keras_attn")
class ReinforceLoss(keras.layers.Layer):
    """Adds -[l_r (R - b) log p(s | a) + l_e H[s]] to the loss of the model and passes the prediction on.

        query, value -- HardAttention --+-- context -- ... -- prediction --+-- ReinforceLoss -- prediction
                                        +-- log p(s | a), H[s] ------------+
        labels ------------------- R = log p(labels | prediction) ---------+

    The labels are an input of the model that trains, as the reward is made of them; a model of the same layers that
    ends before this one has no need of them. Example, with labels (batch,) and logits (batch, vocabulary):

        reward = -keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        logits = ReinforceLoss()(logits, log_probability, entropy, reward)

    The baseline is a moving average of the rewards before this batch, b_k = 0.9 b_{k-1} + 0.1 R_k: it takes variance
    from the gradient and adds no bias. Loss and baseline are those of training; otherwise nothing happens here.

    Args:
        reward_weight: l_r.
        entropy_weight: l_e; above 0 it keeps the draws from being settled too early.
        momentum: share of the old baseline that stays.

    Call arguments:
        prediction: anything; it comes back as it is.
        log_probability, entropy: (batch, query_length), from `HardAttention(...)(return_log_probability=True)`.
        reward: (batch,), or one for each draw (batch, query_length). It is never differentiated.
        reward_mask: booleans of the shape of `reward`, True = counts (with `query_length`: padding does not).

    Returns:
        `prediction`.

    Source: Xu et al. 2015, "Show, Attend and Tell", section 4.1; Williams 1992. The paper picks l_r and l_e by
    validation.
    """

    def __init__(self, reward_weight: float = 1.0, entropy_weight: float = 0.002, momentum: float = 0.9, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # the prediction keeps its dtype
        expect(0 <= momentum <= 1, "momentum", "a share from 0 to 1", momentum)
        self.reward_weight = reward_weight
        self.entropy_weight = entropy_weight
        self.momentum = momentum
        self.supports_masking = True
        self.baseline = self.add_weight(
            shape=(), initializer="zeros", trainable=False, dtype="float32", autocast=False, name="baseline"
        )

    def call(
        self,
        prediction: Any,
        log_probability: Any,
        entropy: Any,
        reward: Any,
        reward_mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        if not training:
            return prediction
        log_probability, entropy = widened(log_probability), widened(entropy)
        baseline, reward = (ops.cast(number, log_probability.dtype) for number in (self.baseline, reward))
        mean = ops.mean(reward)
        if reward_mask is not None:
            counts = ops.cast(reward_mask, reward.dtype)
            reward = ops.where(counts > 0, reward, baseline)  # what does not count teaches nothing
            total = ops.sum(counts)
            mean = ops.where(total > 0, ops.sum(reward * counts) / ops.maximum(total, 1.0), baseline)
            entropy = entropy * (counts if len(counts.shape) > 1 else ops.expand_dims(counts, -1))
        weights = self.reward_weight, self.entropy_weight
        self.add_loss(ops.mean(surrogate(log_probability, entropy, reward, baseline, *weights)))
        self.baseline.assign(self.momentum * baseline + (1 - self.momentum) * mean)
        return prediction

    def compute_output_spec(self, prediction: Any, *tensors: Any, **more: Any) -> Any:
        return keras.tree.map_structure(lambda leaf: keras.KerasTensor(leaf.shape, dtype=leaf.dtype), prediction)

    def get_config(self) -> dict:
        weights = {"reward_weight": self.reward_weight, "entropy_weight": self.entropy_weight}
        return {**super().get_config(), **weights, "momentum": self.momentum}
