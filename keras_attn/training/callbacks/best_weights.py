"""Keep the weights of the best epoch."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Literal

import keras

from keras_attn.errors import UserError
from keras_attn.training.weights_file import partial_name, save_weights


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best `monitor`, and puts them back when training ends.

    A file is written under another name and renamed, so that a run that is killed leaves the last good one.

    Args:
        monitor: a key of the logs, such as "val_bleu".
        mode: "max" if higher is better, "min" if lower.
        path: a file that ends in `.weights.h5`; None keeps the weights in memory.

    Raises:
        UserError: the path has another ending; or, at the end of an epoch, the logs have no such key.
    """

    kept = ("best", "epoch")  # what a checkpoint holds of it

    def __init__(self, monitor: str, mode: Literal["min", "max"] | str, path: str | os.PathLike[str] | None = None):
        super().__init__()
        if path is not None and not str(path).endswith(".weights.h5"):
            raise UserError(f"path: expected a file name that ends in .weights.h5, got {str(path)!r}")
        if mode not in ("min", "max"):
            raise UserError(f"mode: expected 'min' or 'max', got {mode!r}")
        self.monitor, self.sign = monitor, 1 if mode == "max" else -1
        self.path = None if path is None else Path(path)
        self.best, self.epoch = -math.inf, -1
        self._weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.monitor not in (logs or {}):
            raise UserError(
                f"monitor: expected one of {', '.join(sorted(logs or {}))}, got {self.monitor!r}; a score must be "
                "computed by a callback that stands before this one"
            )
        value = self.sign * float((logs or {})[self.monitor])
        # A first value that is no number still leaves a file behind.
        if value > self.best or self.epoch < 0:
            self.best, self.epoch = (value if value == value else -math.inf), epoch
            self._keep()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.path is not None:  # what was being written when an earlier process was killed
            partial_name(self.path).unlink(missing_ok=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self.epoch < 0:
            return
        if self.path is None:
            if self._weights is not None:  # else a worker that went on after its best epoch: the chief tells it
                self.model.set_weights(self._weights)
        else:
            self.model.load_weights(self.path)

    def _keep(self) -> None:
        if self.path is None:
            self._weights = self.model.get_weights()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_weights(self.model, self.path)
