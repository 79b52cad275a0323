"""Attention pictures in TensorBoard, one per sentence and epoch."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_attn.errors import UserError
from keras_attn.training.callbacks.event_writer import EventWriter


class Heatmaps(keras.callbacks.Callback):
    """Writes where the model looks, at the end of an epoch: run `attention`, tags `attention/1` and so on.

    Args:
        align: a list of strings in; per string an object with `weights` `(target, source)`, `source_tokens`
            and `target_tokens` out.
        sentences: the sources to draw; a handful.
        draw: `(weights, source_tokens, target_tokens)` in, a matplotlib figure out, such as
            `keras_attn.plots.heatmap`.
        folder: where the run goes, the same as `Board`'s.
        every: draw at the end of every so manieth epoch.

    Raises:
        UserError: if there is no sentence, `every` is below 1, or `align` does not return one per sentence.
    """

    def __init__(
        self,
        align: Callable[[list[str]], Sequence[Any]],
        sentences: Sequence[str],
        draw: Callable[[Any, Sequence[str], Sequence[str]], Any],
        folder: str | os.PathLike[str],
        *,
        every: int = 1,
    ):
        super().__init__()
        if every < 1:
            raise UserError(f"every: expected at least 1 epoch, got {every}")
        if isinstance(sentences, str) or not len(sentences):
            raise UserError(f"sentences: expected a list of one or more strings, got {sentences!r}")
        self.align, self.sentences, self.draw, self.every = align, list(sentences), draw, every
        self._run = EventWriter(Path(folder) / "attention")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every:
            return
        alignments = self.align(self.sentences)
        if len(alignments) != len(self.sentences):
            raise UserError(f"align: expected {len(self.sentences)} alignments, got {len(alignments)}")
        for i, alignment in enumerate(alignments, start=1):
            figure = self.draw(alignment.weights, alignment.source_tokens, alignment.target_tokens)
            png = io.BytesIO()
            figure.savefig(png, format="png")
            self._run.image(f"attention/{i}", png.getvalue(), epoch + 1)
        self._run.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._run.close()
