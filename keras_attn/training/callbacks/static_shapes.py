"""Trace the training step anew for each shape of batches, so that XLA knows how long every loop is."""

from __future__ import annotations

from typing import Any

import keras


class StaticShapes(keras.callbacks.Callback):
    """For recurrent models that are compiled by XLA, which has no gradient for a loop of unknown length.

    Keras traces one step for batches of any shape. Here each shape gets a step of its own, made by `tf.function` from
    the model's `train_step` when the shape comes first: seconds for each, and some training steps are twice as fast.
    Give it few shapes, as `data.batches` does. TensorFlow only, one device.
    """

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        import tensorflow as tf

        step = tf.function(self.model.train_step, jit_compile=True)

        def train(iterator: Any) -> Any:
            # What comes from the iterator outside of a graph says its shape.
            return step(next(iterator))

        self.model.train_function = train

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.model.train_function = None
