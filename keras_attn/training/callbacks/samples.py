"""Decoded sentences in TensorBoard, so that one sees what the model says."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_attn.errors import UserError
from keras_attn.training.callbacks.event_writer import EventWriter
from keras_attn.training.examples import Decode, decode_all, sources_and_references


class Samples(keras.callbacks.Callback):
    """Writes a table of sources, references and outputs at the end of an epoch: run and tag `samples`.

    Args:
        decode: a list of strings in, a list of strings (or an object with `.text`) out.
        sources: strings; or, with `references=None`, pairs, as for `Bleu`.
        references: per source a string or a list of strings.
        folder: where the run goes, the same as `Board`'s.
        limit: show the first so many.
        every: write at the end of every so manieth epoch.

    Raises:
        UserError: if the examples cannot be used or `every` is below 1.
    """

    def __init__(
        self,
        decode: Decode,
        sources: Any,
        references: Iterable[str | Sequence[str]] | None,
        folder: str | os.PathLike[str],
        *,
        limit: int | None = 20,
        every: int = 1,
    ):
        super().__init__()
        if every < 1:
            raise UserError(f"every: expected at least 1 epoch, got {every}")
        self.decode, self.every = decode, every
        self.sources, self.references = sources_and_references(sources, references, limit)
        self._run = EventWriter(Path(folder) / "samples")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every == 0:
            outputs = decode_all(self.decode, self.sources)
            self._run.text("samples", self._table(outputs), epoch + 1)
            self._run.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._run.close()

    def _table(self, outputs: list[str]) -> str:
        lines = ["| source | reference | output |", "|---|---|---|"]
        for source, references, output in zip(self.sources, self.references, outputs, strict=True):
            cells = (_cell(source), "<br>".join(map(_cell, references)), _cell(output))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def _cell(text: str) -> str:
    """Return text that Markdown shows as it is, in one cell of a table.

    >>> _cell("a|b *c* <d>")
    'a&#124;b \\\\*c\\\\* &lt;d&gt;'
    """
    text = re.sub(r"([\\`*_{}\[\]#])", r"\\\1", " ".join(text.split()))
    return html.escape(text, quote=False).replace("|", "&#124;") or "(empty)"
