"""The gated recurrent unit of the paper, with fewer operations in its gradient."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect


@keras.saving.register_keras_serializable("keras_attn")
class GRUCell(keras.layers.GRUCell):
    """z, r = sigmoid(W_zr x + U_zr s); s' = z s + (1 - z) tanh(W_h x + U_h (r s)).

    `keras.layers.GRUCell(reset_after=False)` without dropout, weights and all. Matrices are split once where Keras
    takes slices of them, whose gradients are matrices of zeros, filled at each step and added.

    Args:
        units: width of the state.

    Call arguments:
        inputs: (batch, features).
        states: (batch, units), alone or in a list.

    Returns:
        The new state (batch, units), and the same as it was given.

    Raises:
        UserError: `reset_after` or a dropout is asked for.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", eq. 5-8; its update gate is
    that of Bahdanau et al. 2015, appendix A.1.1, turned around: z for 1 - z.
    """

    def __init__(self, units: int, reset_after: bool = False, **kwargs: Any):
        expect(not reset_after, "reset_after", "False, as in the paper (Keras' GRUCell has the other)", reset_after)
        for name in ("dropout", "recurrent_dropout"):
            expect(not kwargs.get(name), name, "0 (put a Dropout layer before or after)", kwargs.get(name))
        super().__init__(units, reset_after=False, **kwargs)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        nested = keras.tree.is_nested(states)
        state = states[0] if nested else states
        gates, candidate = ops.split(self.recurrent_kernel, [2 * self.units], axis=1)
        told = ops.matmul(inputs, self.kernel)
        told = told + self.bias if self.use_bias else told
        about, new = ops.split(told, [2 * self.units], axis=-1)
        z, r = ops.split(self.recurrent_activation(about + ops.matmul(state, gates)), 2, axis=-1)
        new = self.activation(new + ops.matmul(r * state, candidate))
        state = z * (state - new) + new
        return state, [state] if nested else state
