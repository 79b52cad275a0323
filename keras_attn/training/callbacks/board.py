"""Training curves for TensorBoard."""

from __future__ import annotations

import os
import time
from pathlib import Path

import keras

from keras_attn.errors import UserError
from keras_attn.training.callbacks.event_writer import EventWriter


class Board(keras.callbacks.Callback):
    """Writes loss, metrics, learning rate and speed as TensorBoard curves: runs `train` and `validation`.

    The tags are listed in `keras_attn.training.callbacks`. Against `keras.callbacks.TensorBoard`: tags are
    the names in the logs (no `epoch_`), the speed is that of training alone, and it counts tokens. Put it
    after `DecodedScore`. It also puts `learning_rate`, `updates_per_second` and `tokens_per_second` into the
    logs, and thus into `history`.

    Speed is over the time inside training batches. Validation, decoding and other callbacks do not count, and
    the first batch of a `fit`, which traces and compiles, is left out. Tokens are those of a metric called
    `tokens` that counts real labels over the epoch, as `training.TokenCount` does; without it there is no
    `tokens_per_second`.

    Args:
        folder: where the runs go; `tensorboard --logdir folder` shows them.
        every: also write the run `updates` at every so manieth update; None for never.

    Raises:
        UserError: if `every` is below 1.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int | None = None):
        super().__init__()
        if every is not None and every < 1:
            raise UserError(f"every: expected at least 1 update or None, got {every}")
        self.folder, self.every = Path(folder), every
        self._runs = {name: EventWriter(self.folder / name) for name in ("train", "validation", "updates")}
        self._first_call = True
        self._reset()

    def _reset(self) -> None:
        self._seconds, self._started = 0.0, 0.0
        self._batches, self._tokens_before = 0, 0.0
        self._last_batch, self._updates_before = -1, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._first_call = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._reset()

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.every is not None:
            self._updates_before = self._updates()
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Keras hands over numbers here, not tensors: the device has finished the batch.
        seconds = time.perf_counter() - self._started
        done = batch - self._last_batch  # more than one under steps_per_execution
        self._last_batch = batch
        logs = logs or {}
        if self._first_call:
            self._first_call = False
            self._tokens_before = logs.get("tokens", 0.0)
        else:
            self._seconds += seconds
            self._batches += done
        if self.every is not None:
            update = self._updates()
            if update // self.every > self._updates_before // self.every:
                values = {**logs, "learning_rate": self._learning_rate()}
                self._write("updates", values, update)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = self._learning_rate()
        if self._batches and self._seconds > 0:  # else the epoch was a single batch, spent on compiling
            of_an_update = getattr(self.model.optimizer, "gradient_accumulation_steps", None) or 1
            logs["updates_per_second"] = self._batches / of_an_update / self._seconds
            if "tokens" in logs:
                logs["tokens_per_second"] = (logs["tokens"] - self._tokens_before) / self._seconds
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
        self._write("train", train, epoch + 1)
        self._write("validation", validation, epoch + 1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        for run in self._runs.values():
            run.close()

    def _updates(self) -> int:
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _write(self, run: str, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            if name != "tokens":  # the same number every epoch: a count, no curve
                self._runs[run].scalar(name, float(value), step)
        self._runs[run].flush()
