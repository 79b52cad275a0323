"""Batches in a file, for machines that have NumPy and nothing else."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_attn.errors import UserError, expect
from keras_attn.whole_file import whole_file

if TYPE_CHECKING:  # these want SentencePiece
    from keras_attn.data.epochs import Batch, Epochs

FORMAT = 1


class SavedBatches:
    """Reads what `save_batches` wrote: the same batches in the same order, an epoch's arrays in memory at a time.

    Args:
        path: the file.

    Raises:
        UserError: it cannot be read, or is another kind of file.
    """

    def __init__(self, path: str | os.PathLike):
        try:
            self._file = np.load(path, allow_pickle=False)
            kind, self.first_epoch, self.count, self.steps = self._file["about"].tolist()
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"path: expected a file of save_batches, but {path} is none ({error})") from error
        expect(kind == FORMAT, "path", f"a file of format {FORMAT}", kind)
        self.shapes: list[tuple[int, int, int]] = [tuple(shape) for shape in self._file["shapes"].tolist()]
        self._padding, self._start, self._end = self._file["special"].tolist()

    def epoch(self, epoch: int, first_batch: int = 0) -> Iterator[Batch]:
        """Yield ({"source", "target"}, labels, weights) of an epoch, from `first_batch` on, see `Epochs`.

        Raises:
            UserError: the file has no such epoch, or the epoch no such batch.
        """
        last = self.first_epoch + self.count - 1
        expect(self.first_epoch <= epoch <= last, "epoch", f"{self.first_epoch} to {last}", epoch)
        expect(0 <= first_batch < self.steps, "first_batch", f"0 to {self.steps - 1}", first_batch)
        return self._batches(epoch, first_batch)

    def _batches(self, epoch: int, first_batch: int) -> Iterator[Batch]:
        order = self._file[f"{epoch}/order"]
        sides = {
            kind: (self._file[f"{epoch}/{kind}/source"], self._file[f"{epoch}/{kind}/labels"])
            for kind in np.unique(order).tolist()
        }
        seen = [int((order[:first_batch] == kind).sum()) for kind in range(len(self.shapes))]
        for kind in order[first_batch:].tolist():
            source, labels = (side[seen[kind]].astype(np.int32) for side in sides[kind])
            seen[kind] += 1
            target = np.full_like(labels, self._padding)
            used = labels[:, 0] != self._padding
            target[used, 0] = self._start
            target[:, 1:] = np.where(labels[:, :-1] == self._end, self._padding, labels[:, :-1])
            yield {"source": source, "target": target}, labels, (labels != self._padding).astype(np.float32)


def save_batches(path: str | os.PathLike, epochs: Epochs, count: int, first_epoch: int = 0) -> None:
    """Write the batches of some epochs to an .npz file, whole or not at all.

    It holds, for each epoch, `order` (steps,), the place of each batch's shape in `shapes`, and for each shape the
    `source` (batches, rows, source_length) and the `labels` (batches, rows, target_length) in that order; Multi30k
    takes 3 MB for an epoch. `SavedBatches` reads it.

    Args:
        path: the file; its folder must be there.
        epochs: the batches.
        count: how many epochs.
        first_epoch: the first of them.

    Raises:
        UserError: a number out of range.
        OSError: the file cannot be written.
    """
    from keras_attn.text.vocabulary import END, PADDING, START

    expect(count >= 1, "count", "1 or more", count)
    epochs.check(first_epoch, 0)
    shapes = epochs.plan.shapes
    with whole_file(Path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:

        def add(name: str, array: np.ndarray) -> None:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)

        add("about", np.array([FORMAT, first_epoch, count, epochs.steps], np.int64))
        add("special", np.array([PADDING, START, END], np.int64))
        add("shapes", np.array(shapes, np.int64))
        for epoch in range(first_epoch, first_epoch + count):
            order: list[int] = []
            sides: dict[int, tuple[list[np.ndarray], list[np.ndarray]]] = {}
            for inputs, labels, _ in epochs.epoch(epoch):
                kind = shapes.index((*inputs["source"].shape, labels.shape[1]))
                order.append(kind)
                for side, ids in zip(sides.setdefault(kind, ([], [])), (inputs["source"], labels), strict=True):
                    side.append(ids.astype(np.uint16) if ids.max() < 1 << 16 else ids)
            add(f"{epoch}/order", np.array(order, np.int64))
            for kind, (sources, all_labels) in sides.items():
                add(f"{epoch}/{kind}/source", np.stack(sources))
                add(f"{epoch}/{kind}/labels", np.stack(all_labels))
