"""One key is read, and the gradient is that of a mixture."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.ops import hard
from keras_attn.ops.weights import widened


@keras.saving.register_keras_serializable("keras_attn")
class StraightThroughWeighing(Weighing):
    """a_q = one_hot(argmax_k (e_qk + g_qk)), with the gradient of softmax((e_q + g_q) / temperature).

        scores --+-- softmax( . / temperature) .... gradient
        noise  --+-- argmax -- one-hot ------------ weights

    In training g is Gumbel noise, so that key k is drawn with probability softmax(e_q)_k; else g = 0 and the best key
    is read. Masked keys are never drawn and get no gradient.

    Args:
        temperature: of the soft sample whose gradient is used. Low: the gradient's bias is small and its variance
            large. The paper starts at 1 and does not go below 0.5.
        seed: integer for the noise, or None.

    Call arguments and result are those of `Weighing`; the mathematics is `keras_attn.ops.straight_through`. Noise that
    was drawn ahead of the call, with `noise`, can be handed in by that name.

    Source: Jang, Gu, Poole 2017, "Categorical Reparameterization with Gumbel-Softmax", eq. 1-2 and section 2.2;
    Maddison, Mnih, Teh 2017, "The Concrete Distribution".
    """

    draws = True

    def __init__(self, temperature: float = 1.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        expect(temperature > 0, "temperature", "above 0", temperature)
        self.temperature = temperature
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def noise(self, shape: Any, dtype: str) -> Any:
        return hard.gumbel(shape, self.random, dtype)

    def call(self, scores: Any, visible: Any = None, training: bool | None = None, noise: Any = None) -> Any:
        drawn = widened(scores)
        if training:
            dtype = keras.backend.standardize_dtype(drawn.dtype)
            noise = self.noise(ops.shape(drawn), dtype) if noise is None else noise
            drawn = drawn + ops.cast(noise, dtype)
        return ops.cast(hard.straight_through(drawn, visible, self.temperature), scores.dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "temperature": self.temperature, "seed": self.seed}
