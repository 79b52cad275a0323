"""A window that moves on with the output."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.window.window import Window


@keras.saving.register_keras_serializable("keras_attn")
class LocalMonotonicWindow(Window):
    """p_t = t: output t looks at keys t - D to t + D ("local-m").

    Right where source and target run side by side; it cannot reverse a sequence longer than the window. Past the
    source's end nothing is seen, and the context is zero.

    Arguments, call arguments and result are those of `Window`.

    Source: Luong et al. 2015, section 3.2, "monotonic alignment".
    """

    def call(self, query: Any, query_position: Any, count: Any) -> Any:
        position = ops.cast(query_position, self.wide)
        return position if len(position.shape) == 2 else ops.expand_dims(position, 0)  # (1 or batch, query_length)

    def compute_output_spec(self, query: Any, query_position: Any, count: Any) -> Any:
        batch = query.shape[0] if len(query_position.shape) == 2 else 1
        return keras.KerasTensor((batch, query.shape[1]), dtype=self.wide)
