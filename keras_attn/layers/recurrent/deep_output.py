"""The deep output of Bahdanau's decoder: one maxout layer before the softmax."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_attn")
class DeepOutput(keras.layers.Layer):
    """t_ij = max(t~_{i,2j-1}, t~_{i,2j}) with t~_i = U_o s_i + V_o E y_{i-1} + C_o c_i.

    Equation 4 and the text give the new state s_i to the output, the appendix prints s_{i-1}; the new state is used
    here, as both of the former say.

    Args:
        units: width l of the output.

    Call arguments:
        parts: list of tensors (batch, length, features), such as state, embedded previous word, context: each has a
            matrix of its own, and their sum is what the maxout sees.

    Returns:
        (batch, length, units).

    Source: Bahdanau et al. 2015, appendix A.2.2; maxout: Goodfellow et al. 2013.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1; it came as {units}.")
        self.units = units

    def build(self, parts_shape: Any) -> None:
        # One matrix over the parts side by side is the sum of one matrix for each.
        width = sum(shape[-1] for shape in parts_shape)
        self.project = keras.layers.Dense(2 * self.units, use_bias=False, dtype=self.dtype_policy, name="project")
        self.project.build((*parts_shape[0][:-1], width))
        self.built = True

    def call(self, parts: list) -> Any:
        wide = self.project(ops.concatenate(parts, -1))  # (batch, length, 2 units)
        pairs = ops.reshape(wide, (*ops.shape(wide)[:-1], self.units, 2))
        # The gradient of the larger of two is half the work of that of a maximum over an axis.
        first, second = ops.split(pairs, 2, axis=-1)
        return ops.squeeze(ops.maximum(first, second), -1)  # (batch, length, units)

    def compute_output_shape(self, parts_shape: Any) -> tuple:
        return (*parts_shape[0][:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
