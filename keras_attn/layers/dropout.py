"""Dropout that costs next to nothing in a compiled step."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.ops.dropout import dropout


@keras.saving.register_keras_serializable("keras_attn")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with other random numbers: those of `ops.dropout`, a hash of place and seed.

    Arguments, call and state are Keras'; with `noise_shape` the numbers are, too.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate or self.noise_shape is not None:
            return super().call(inputs, training=training)
        return dropout(inputs, self.rate, self.seed_generator.next())
