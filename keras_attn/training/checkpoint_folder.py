"""The checkpoints of one run."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from keras_attn.errors import UserError, expect
from keras_attn.training.checkpoint import Checkpoint

logger = logging.getLogger("keras_attn")


class CheckpointFolder:
    """Files EEEE-BBBBBB.npz: E epochs are over, and B batches of the next. The newest two stay, should one be damaged.

    Args:
        folder: where they are.
        keep_last, keep_best: of those at the ends of epochs, keep the last so many and those with the best scores.

    Raises:
        UserError: a number below 0.
    """

    def __init__(self, folder: str | os.PathLike[str], *, keep_last: int = 0, keep_best: int = 0):
        expect(keep_last >= 0, "keep_last", "at least 0", keep_last)
        expect(keep_best >= 0, "keep_best", "at least 0", keep_best)
        self.folder, self.keep_last, self.keep_best = Path(folder), keep_last, keep_best

    def files(self) -> list[Path]:
        """All of them, old to new."""
        return sorted(self.folder.glob("[0-9]*.npz"))

    def ends(self) -> list[Path]:
        """Those at the ends of epochs, old to new."""
        return [path for path in self.files() if path.stem.endswith("-000000")]

    def by_score(self) -> list[Path]:
        """Those at the ends of epochs that have a score, worst to best."""
        scores: dict[Path, Any] = {path: Checkpoint.read_notes(path).get("score") for path in self.ends()}
        return sorted((path for path, score in scores.items() if score is not None), key=lambda path: scores[path])

    def add(self, checkpoint: Checkpoint) -> None:
        """Write one, then delete what is not to be kept."""
        epoch, batch = (checkpoint.notes[name] for name in ("epoch", "batch"))
        checkpoint.write(self.folder / f"{epoch:04d}-{batch:06d}.npz")
        kept = {*self.files()[-2:]}
        if self.keep_last:
            kept.update(self.ends()[-self.keep_last :])
        if self.keep_best:
            kept.update(self.by_score()[-self.keep_best :])
        for path in self.files():
            if path not in kept:
                path.unlink()

    def newest(self) -> Checkpoint | None:
        """Read the newest that is whole, and delete what is damaged or half-written.

        Raises:
            UserError: there are some, and none is whole.
        """
        for rest in self.folder.glob(".*.npz.*"):  # what was being written when the process was killed
            rest.unlink()
        damaged = []
        for path in reversed(self.files()):
            try:
                found = Checkpoint.read(path)
            except UserError as error:
                logger.warning("%s; the one before it is taken", error)
                damaged.append(path)
            else:
                for other in damaged:  # or it would stay the newest
                    other.unlink()
                return found
        if damaged:
            raise UserError(f"{self.folder}: expected a whole checkpoint, got damaged ones; delete it to begin anew")
        return None

    def chosen(self, *, last: int | None = None, best: int | None = None) -> list[Path]:
        """Return the last so many, or the best, of those at the ends of epochs.

        Args:
            last, best: how many; one of the two.

        Raises:
            UserError: neither or both are given, or fewer are kept.
        """
        expect((last is None) != (best is None), "last, best", "one of the two", (last, best))
        name, count, there = ("last", last, self.ends()) if best is None else ("best", best, self.by_score())
        wanted = f"1 to {len(there)}, as many as {str(self.folder)!r} holds (--training.keep-{name} keeps more)"
        expect(count is not None and 1 <= count <= len(there), name, wanted, count)
        return there[-(count or 0) :]
