"""The angle between query and key, sharpened by a learned factor."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_attn.layers.scoring.scoring import Scoring, same_width
from keras_attn.layers.scoring.unit_vector import UnitVector
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class CosineScoring(Scoring):
    """e_qk = beta q_q . k_k / (|q_q| |k_k|), with a learned key strength beta.

    A cosine is at most 1, and a softmax over numbers between -1 and 1 is nearly even: beta makes it sharp.

    Args:
        strength: what beta starts with. The reciprocal of it is the temperature tau of Liu et al.
        project_key: a layer that puts out unit vectors; `UnitVector()` if None.

    Call arguments:
        query: (batch, query_length, features).
        key: (batch, key_length, features), the output of `project_key`, which makes it a unit vector.

    Returns:
        Scores (batch, query_length, key_length).

    Raises:
        ValueError: query and key differ in width, or the strength is not above zero.

    Source: Graves, Wayne, Danihelka 2014, "Neural Turing Machines", eq. 5-6 (there beta is put out by the
    controller); as one learned number: Liu et al. 2022, "Swin Transformer V2", eq. 2, with 1 / tau = 10 at the start.
    """

    def __init__(self, strength: float = 10.0, project_key: keras.layers.Layer | None = None, **kwargs: Any):
        if strength <= 0:
            raise ValueError(f"`strength` must be above 0; it came as {strength}.")
        super().__init__(project_key or UnitVector(dtype=kwargs.get("dtype"), name="key"), **kwargs)
        self.strength = strength

    def build(self, query_shape: Any, key_shape: Any) -> None:
        same_width(query_shape, key_shape, self.name, "give one of them a Dense layer first")
        start = keras.initializers.Constant(math.log(self.strength))
        self.log_beta = self.add_weight(shape=(), initializer=start, name="log_beta")
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        sharp = scores.unit(query) * ops.exp(self.log_beta)
        return scores.dot(sharp, key)  # (batch, query_length, key_length)

    def get_config(self) -> dict:
        return {**super().get_config(), "strength": self.strength}
