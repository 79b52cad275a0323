"""The logs of every epoch as a table."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import keras

from keras_attn.whole_file import whole_file


class EpochLog(keras.callbacks.Callback):
    """Writes a CSV file with a line for each epoch: `epoch`, from 0, and all logs in alphabetical order.

    Against `keras.callbacks.CSVLogger`: the file is written whole at each epoch, from rows that a checkpoint holds,
    so that a run that was killed and went on has each line once.

    Args:
        path: the file; its folder must be there.
    """

    kept = ("rows",)  # what a checkpoint holds of it

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__()
        self.path, self.rows = Path(path), list[dict[str, Any]]()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.rows = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rows.append({"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}})
        names = sorted({name for row in self.rows for name in row} - {"epoch"})
        with whole_file(self.path) as path, path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, ["epoch", *names], restval="NA")
            table.writeheader()
            table.writerows(self.rows)
