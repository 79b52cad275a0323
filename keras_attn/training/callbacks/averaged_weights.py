"""Scores of the averaged weights, training of the raw ones."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import UserError


class AveragedWeights(keras.callbacks.Callback):
    """Puts the optimizer's moving average of the weights into the model while an epoch is validated and scored.

    average_k = m average_{k-1} + (1 - m) w_k after each update, average_1 = w_1: Keras' own, `use_ema=True` of the
    optimizer. Put this first in the list, and `put_back` at its end:

        averaged = AveragedWeights()
        callbacks = [averaged, DecodedScore(...), BestWeights(...), averaged.last()]

    All between them see the average, in validation and at the end of the epoch. Against
    `keras.callbacks.SwapEMAWeights`: that one swaps by adding and subtracting, which rounds the raw weights.

    Raises:
        UserError: when training begins, if the optimizer keeps no average.
    """

    def __init__(self) -> None:
        super().__init__()
        self._raw: list[Any] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if not self._optimizer.use_ema:
            raise UserError("optimizer: expected one with use_ema=True, got one that keeps no average")

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self.take()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.take()

    def take(self) -> None:
        """Put the averages into the model, if they are not there yet."""
        if self._raw is None:
            weights = self._optimizer._trainable_variables
            self._raw = [keras.ops.convert_to_numpy(weight) for weight in weights]
            for weight, average in zip(weights, self._optimizer._model_variables_moving_average, strict=True):
                weight.assign(average)

    def put_back(self) -> None:
        """Put the raw weights back, bit for bit."""
        if self._raw is not None:
            for weight, raw in zip(self._optimizer._trainable_variables, self._raw, strict=True):
                weight.assign(raw)
            self._raw = None

    def last(self) -> keras.callbacks.Callback:
        """The callback that ends the epoch."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.put_back())

    @property
    def _optimizer(self) -> Any:
        return getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)  # one that scales the loss
