"""A TensorBoard run that appears on disk when something is written to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class EventWriter:
    """Writes one run, that is one folder; opened at the first write and again after `close`."""

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)
        self._writer: Any = None

    def _open(self) -> Any:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.folder))
        return self._writer.as_default()

    def scalar(self, tag: str, value: float, step: int) -> None:
        import tensorflow as tf

        with self._open():
            tf.summary.scalar(tag, value, step=step)

    def text(self, tag: str, markdown: str, step: int) -> None:
        import tensorflow as tf

        with self._open():
            tf.summary.text(tag, markdown, step=step)

    def image(self, tag: str, png: bytes, step: int) -> None:
        import tensorflow as tf

        with self._open():
            tf.summary.image(tag, tf.io.decode_png(png, channels=3)[None], step=step)

    def flush(self) -> None:
        """Write what is held back, so that TensorBoard shows it now."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
