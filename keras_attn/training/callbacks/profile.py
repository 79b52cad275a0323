"""What the machine does during a few updates."""

from __future__ import annotations

import os
from pathlib import Path

import keras

from keras_attn.errors import expect


class Profile(keras.callbacks.Callback):
    """Records a trace of a few updates with TensorFlow's profiler: FOLDER/plugins/profile/TIME/*.xplane.pb.

    TensorBoard shows it, with a timeline of operations and how long the input made the step wait, if the package
    `tensorboard-plugin-profile` is installed beside it.

    Args:
        folder: where the trace goes.
        first: the first update that is recorded, counted from 1 in this process; those before it trace and compile.
        updates: how many.

    Raises:
        UserError: a number below 1.
    """

    def __init__(self, folder: str | os.PathLike[str], *, first: int = 20, updates: int = 5):
        super().__init__()
        expect(first >= 1, "first", "at least 1", first)
        expect(updates >= 1, "updates", "at least 1", updates)
        self.folder, self.first, self.updates = Path(folder), first, updates
        self._seen, self._records = 0, False

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._seen += 1
        if self._seen == self.first:
            import tensorflow as tf

            tf.profiler.experimental.start(str(self.folder))
            self._records = True

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._seen >= self.first + self.updates - 1:
            self._stop()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._records:
            import tensorflow as tf

            tf.profiler.experimental.stop()
            self._records = False
