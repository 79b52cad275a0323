"""One step of the attentive LSTM: it looks back at all of its own states."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import scores, weights


@keras.saving.register_keras_serializable("keras_attn")
class LSTMNCell(keras.layers.Layer):
    """(x_t, h~_{t-1}, tapes of h_1 .. h_{t-1} and c_1 .. c_{t-1}) -> h_t, h~_t, tapes with h_t and c_t.

    The equations stand in `LSTMN`, which runs it. Tapes have as many rows as the whole sequence has steps, and a row
    is zero until it is written. Where step t writes is a row of the identity matrix that arrives with x_t: no
    position is counted (bfloat16 counts to 256 only), and a masked step, whose row is zero, writes nothing.

    Args:
        units: width of h and c.
        attention_units: width of the hidden layer that scores the past.
        kernel_initializer, recurrent_initializer: of what multiplies x, and of what multiplies h and h~.

    Call arguments:
        inputs: what `project` makes of x_t, then the row to write to: (batch, 4 units + attention_units + length).
        states: keys W_h h_i (batch, length, attention_units), tape [h_i; c_i] (batch, length, 2 units), which rows
            are written (batch, length), h~_{t-1} (batch, units), and the last h (batch, units).

    Returns:
        h_t and the weights s^t side by side, (batch, units + length), zero in a masked step; and the new states.
    """

    def __init__(
        self,
        units: int,
        attention_units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        expect(units > 0, "units", "at least 1", units)
        expect(attention_units > 0, "attention_units", "at least 1", attention_units)
        self.units, self.attention_units = units, attention_units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.state_size = [units]  # Keras asks for it; the tapes' lengths are known only where they are made

    def build(self, inputs_shape: Any) -> None:
        features, units, hidden = inputs_shape[-1], self.units, self.attention_units

        def weight(name: str, shape: tuple[int, ...], initializer: Any) -> Any:
            # An initializer object without a seed would give weights of one shape the same numbers.
            return self.add_weight(shape=shape, initializer=initializer.clone(), name=name)

        # Gates stand as in Keras' LSTM: input, forget, candidate, output.
        self.kernel = weight("kernel", (features, 4 * units), self.kernel_initializer)
        self.recurrent_kernel = weight("recurrent_kernel", (units, 4 * units), self.recurrent_initializer)
        self.bias = self.add_weight(shape=(4 * units,), initializer=self._forget_nothing, name="bias")
        self.attend_input = weight("attend_input", (features, hidden), self.kernel_initializer)
        self.attend_past = weight("attend_past", (units, hidden), self.kernel_initializer)
        self.attend_summary = weight("attend_summary", (units, hidden), self.kernel_initializer)
        self.v = self.add_weight(shape=(hidden,), initializer="glorot_uniform", name="v")
        self.built = True

    def _forget_nothing(self, shape: tuple, dtype: Any = None) -> Any:
        """Zeros, and ones for the forget gate."""
        gate = ops.arange(shape[0]) // self.units
        return ops.cast(gate == 1, dtype)

    def project(self, inputs: Any) -> Any:
        """W x_t + b and W_x x_t side by side, for all steps at once: (batch, length, 4 units + attention_units)."""
        gates = ops.matmul(inputs, self.kernel) + self.bias  # (batch, length, 4 units)
        return ops.concatenate([gates, ops.matmul(inputs, self.attend_input)], -1)

    def call(self, inputs: Any, states: list) -> tuple[Any, list]:
        units, projected = self.units, 4 * self.units + self.attention_units
        gates, sought, row = inputs[:, : 4 * units], inputs[:, 4 * units : projected], inputs[:, projected:]
        key, tape, written, summary, output = states
        query = ops.expand_dims(sought + ops.matmul(summary, self.attend_summary), 1)  # (batch, 1, attention_units)
        weight = weights.softmax(scores.additive(query, key, self.v), ops.expand_dims(written > 0.5, 1))
        adaptive = ops.squeeze(weights.read(weight, tape), 1)  # (batch, 2 units)
        hidden, carry = adaptive[:, :units], adaptive[:, units:]  # h~_t, c~_t
        i, f, candidate, o = ops.split(gates + ops.matmul(hidden, self.recurrent_kernel), 4, axis=-1)
        new_carry = ops.sigmoid(f) * carry + ops.sigmoid(i) * ops.tanh(candidate)
        new_hidden = ops.sigmoid(o) * ops.tanh(new_carry)

        live = ops.max(row, axis=-1, keepdims=True)  # (batch, 1), 1 or 0
        place = ops.expand_dims(row, 2)  # (batch, length, 1)
        states = [
            key + place * ops.expand_dims(ops.matmul(new_hidden, self.attend_past), 1),
            tape + place * ops.expand_dims(ops.concatenate([new_hidden, new_carry], -1), 1),
            written + row,
            ops.where(live > 0.5, hidden, summary),
            ops.where(live > 0.5, new_hidden, output),
        ]
        return live * ops.concatenate([new_hidden, ops.squeeze(weight, 1)], -1), states

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "units": self.units,
            "attention_units": self.attention_units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        }
