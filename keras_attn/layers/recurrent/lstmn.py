"""The attentive LSTM: instead of one cell that is overwritten, a tape of all states, read by attention."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.recurrent.lstmn_cell import LSTMNCell
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class LSTMN(keras.layers.Layer):
    """An LSTM whose h_{t-1} and c_{t-1} are what attention over its own past reads.

        a_i^t      = v^T tanh(W_h h_i + W_x x_t + W_h~ h~_{t-1})      for i < t
        s^t        = softmax(a^t)
        h~_t, c~_t = sum_i s_i^t h_i, sum_i s_i^t c_i                 the adaptive summaries, zero at t = 1
        i, f, o, ^c = sigmoid, sigmoid, sigmoid, tanh of W [h~_t, x_t] + b
        c_t        = f c~_t + i ^c
        h_t        = o tanh(c_t)

    Gates have a bias, 1 at the start for the forget gate, as in Keras' LSTM; the paper prints none. Time and memory
    grow with the square of the length.

    Args:
        units: width of h and c.
        attention_units: width of the hidden layer that scores the past; `units` if None.
        return_sequences: return every h_t rather than the last.
        return_state: also return what a later call may go on from.
        kernel_initializer, recurrent_initializer: as in Keras' LSTM.

    Call arguments:
        inputs: x, (batch, length, features).
        mask: (batch, length) booleans; a step that is False writes nothing on the tape, is never looked at, and puts
            out zeros. Keras fills it from a hidden mask, unless an initial state is given as well.
        initial_state: the state that an earlier call returned: tape of h and tape of c, each (batch, past, units),
            (batch, past) booleans, True = may be seen, and the last h~ (batch, units).
        return_attention_scores: also return the weights s.

    Returns:
        h, (batch, length, units) or (batch, units), the last h that is not masked; with `return_attention_scores` also
        weights (batch, length, past + length), zero where i >= t; with `return_state` also the state, a list of four
        as in `initial_state`, with tapes of past + length rows.

    Source: Cheng, Dong, Lapata 2016, "Long Short-Term Memory-Networks for Machine Reading", section 3.2, eq. 4-9.
    """

    def __init__(
        self,
        units: int,
        attention_units: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.supports_masking = True
        attention_units = units if attention_units is None else attention_units
        initializers = {"kernel_initializer": kernel_initializer, "recurrent_initializer": recurrent_initializer}
        self.cell = LSTMNCell(units, attention_units, **initializers, dtype=self.dtype_policy)
        self.rnn = keras.layers.RNN(self.cell, return_sequences=True, return_state=True, dtype=self.dtype_policy)

    def build(self, inputs_shape: Any, initial_state_shape: Any = None) -> None:
        self.cell.build((inputs_shape[0], inputs_shape[-1]))
        self.rnn.built = True
        self.built = True

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        initial_state: list | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        check(inputs, "batch length features", "inputs")
        units, (batch, length) = self.cell.units, ops.shape(inputs)[:2]
        hidden, carry, written, summary = initial_state or self.get_initial_state(batch)
        past = ops.shape(hidden)[1]
        dtype = self.compute_dtype

        def extend(tape: Any) -> Any:
            """Make room for the steps to come."""
            return ops.concatenate([tape, ops.zeros((batch, length, tape.shape[-1]), dtype)], 1)

        step, row = ops.arange(length), ops.arange(past + length)
        place = ops.cast(ops.expand_dims(step + past, 1) == row, dtype)  # (length, past + length)
        live = ops.ones((batch, length), dtype) if mask is None else ops.cast(mask, dtype)
        place = ops.expand_dims(live, 2) * place  # (batch, length, past + length)
        together, *states = self.rnn(
            ops.concatenate([self.cell.project(inputs), place], -1),
            initial_state=[
                extend(ops.matmul(hidden, self.cell.attend_past)),
                extend(ops.concatenate([hidden, carry], -1)),
                ops.concatenate([ops.cast(written, dtype), ops.zeros((batch, length), dtype)], 1),
                summary,
                ops.zeros((batch, units), dtype),
            ],
        )
        _, tape, written, summary, last = states
        outputs = [together[..., :units] if self.return_sequences else last]
        if return_attention_scores:
            outputs.append(together[..., units:])  # (batch, length, past + length)
        if self.return_state:
            outputs.append([tape[..., :units], tape[..., units:], written > 0.5, summary])
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def get_initial_state(self, batch_size: Any) -> list:
        """Empty tapes."""
        tape = ops.zeros((batch_size, 0, self.cell.units), self.compute_dtype)
        written = ops.zeros((batch_size, 0), "bool")
        return [tape, tape, written, ops.zeros((batch_size, self.cell.units), self.compute_dtype)]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask if self.return_sequences else None

    def compute_output_spec(
        self,
        inputs: Any,
        mask: Any = None,
        initial_state: list | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        batch, length, _ = inputs.shape
        past = initial_state[0].shape[1] if initial_state else 0
        rows = None if past is None or length is None else past + length

        def tensor(*shape: int | None, dtype: str = self.compute_dtype) -> Any:
            return keras.KerasTensor(shape, dtype=dtype)

        units = self.cell.units
        outputs: list = [tensor(batch, length, units) if self.return_sequences else tensor(batch, units)]
        if return_attention_scores:
            outputs.append(tensor(batch, length, rows))
        if self.return_state:
            tapes = [tensor(batch, rows, units) for _ in range(2)]
            outputs.append([*tapes, tensor(batch, rows, dtype="bool"), tensor(batch, units)])
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict:
        cell = self.cell.get_config()
        own = {name: cell[name] for name in ("units", "attention_units", "kernel_initializer", "recurrent_initializer")}
        flags = {"return_sequences": self.return_sequences, "return_state": self.return_state}
        return {**super().get_config(), **own, **flags}
