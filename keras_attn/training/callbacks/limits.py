"""Training that ends after so many updates or minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras

from keras_attn.errors import expect


class Limits(keras.callbacks.Callback):
    """Ends training after so many updates or minutes, in the middle of an epoch if need be, which is then scored.

    Updates are batches of training data; where batches are accumulated, `fit` gives the number of these. Minutes are
    those of training, validation and scoring, without what comes before the first batch; a run that goes on from a
    checkpoint has used what the checkpoint says.

    Args:
        updates: stop after so many; None for any number.
        minutes: stop at the first batch that ends later than this; None for any time.
        agree: makes one answer of all workers' to whether it is later, as their clocks differ.

    Raises:
        UserError: a limit that is no positive number.
    """

    kept = ("updates", "seconds")  # what a checkpoint holds of it

    def __init__(
        self,
        updates: int | None = None,
        minutes: float | None = None,
        agree: Callable[[bool], bool] = lambda answer: answer,
    ):
        super().__init__()
        expect(updates is None or updates >= 1, "updates", "at least 1 or None", updates)
        expect(minutes is None or minutes > 0, "minutes", "more than 0 or None", minutes)
        self.most_updates, self.most_seconds = updates, None if minutes is None else 60 * minutes
        self.updates, self.seconds, self._agree = 0, 0.0, agree
        self._last_batch, self._last_time = -1, 0.0

    @property
    def reached(self) -> bool:
        """Whether it is time to stop."""
        enough = self.most_updates is not None and self.updates >= self.most_updates
        return enough or (self.most_seconds is not None and self._agree(self.seconds >= self.most_seconds))

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.updates, self.seconds, self._last_time = 0, 0.0, time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.updates += batch - self._last_batch  # more than one under steps_per_execution
        self._last_batch = batch
        self._tick()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        self.seconds, self._last_time = self.seconds + now - self._last_time, now
        if self.reached:
            self.model.stop_training = True
