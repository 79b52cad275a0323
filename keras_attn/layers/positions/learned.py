"""Learned positions: a vector for each place, up to a length that is known beforehand."""

from __future__ import annotations

import numbers
from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class LearnedPositions(keras.layers.Layer):
    """x_pos + p_pos, with a learned p for each place.

    Args:
        length: number of places there are.
        embeddings_initializer: of p.

    Call arguments:
        x: (batch, n, features); places `position` ... `position` + n - 1 must be less than `length`.
        position: of the first token, an integer or a scalar integer tensor.

    Returns:
        (batch, n, features).

    Raises:
        ValueError: there is no such place, as far as n and `position` are known when the graph is made.

    Source: Gehring et al. 2017, "Convolutional Sequence to Sequence Learning", section 3.1; Devlin et al. 2019, BERT.
    """

    def __init__(self, length: int, embeddings_initializer: Any = "uniform", **kwargs: Any):
        super().__init__(**kwargs)
        expect(length >= 1, "length", "at least 1", length)
        self.length = length
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.supports_masking = True

    def build(self, x_shape: Any) -> None:
        shape = (self.length, x_shape[-1])
        self.embeddings = self.add_weight(shape=shape, initializer=self.embeddings_initializer, name="embeddings")
        self.built = True

    def call(self, x: Any, position: Any = 0) -> Any:
        check(x, "batch n features", "x")
        self._check(x, position)
        place = ops.cast(position, "int32") + ops.arange(ops.shape(x)[1])  # (n,)
        return x + ops.take(self.embeddings, place, axis=0)  # (n, features), for every example the same

    def _check(self, x: Any, position: Any) -> None:
        first = int(position) if isinstance(position, numbers.Integral) else 0
        if x.shape[1] is not None and first + x.shape[1] > self.length:
            raise ValueError(
                f"`x` must end before position {self.length}, the number of learned positions; it came with "
                f"{x.shape[1]} tokens from position {first}. Cut it, or make the layer with a larger `length`."
            )

    def compute_output_spec(self, x: Any, position: Any = 0) -> Any:
        self._check(x, position)
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict:
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {**super().get_config(), "length": self.length, "embeddings_initializer": initializer}
