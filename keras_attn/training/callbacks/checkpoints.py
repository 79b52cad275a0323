"""A training that is killed at any moment goes on from a file, and ends as if it had not been killed."""

from __future__ import annotations

import logging
import os
import pickle
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_attn.errors import UserError, expect
from keras_attn.training.callbacks.short_epoch import ShortEpoch
from keras_attn.training.checkpoint import Arrays, Checkpoint
from keras_attn.training.checkpoint_folder import CheckpointFolder
from keras_attn.training.replicas import Replicas

logger = logging.getLogger("keras_attn")

# What else changes in a callback from epoch to epoch. Ours say so themselves, in `kept`, and anybody's can.
KEPT: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.History: ("history", "epoch"),
}


class Checkpoints(keras.callbacks.Callback):
    """Writes what training goes on from, every so often and at the end of every epoch, after its scores.

    For `training.fit(checkpoints=...)`, which gives it the rest and puts it last. A file holds the model's variables
    (the weights, and the seeds of dropout), the optimizer's (moments, updates, averages, the rate of a plateau, the
    scale of the loss), those of the metrics in the middle of an epoch, and what the callbacks remember (best score,
    patience, history, seconds). Nothing is written between the last batch of an epoch and its scores, so these are
    made again after a kill.

    Args:
        folder: where the files go.
        every: also write after so many batches; None for never.
        minutes: also write after so many minutes; None for never.
        keep_last, keep_best: of the files at the ends of epochs, keep the last so many and those with the best scores,
            for `training.average`.

    Raises:
        UserError: a number out of range.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | None = 500,
        minutes: float | None = 5.0,
        keep_last: int = 2,
        keep_best: int = 0,
    ):
        super().__init__()
        expect(every is None or every >= 1, "every", "at least 1 or None", every)
        expect(minutes is None or minutes > 0, "minutes", "more than 0 or None", minutes)
        self.folder, self.every, self.minutes = Path(folder), every, minutes
        self._files = CheckpointFolder(folder, keep_last=keep_last, keep_best=keep_best)
        self.epoch, self.batch = 0, 0  # of the next batch
        self.stopped = False  # training has ended; only what follows it may be left to do
        self._start: Checkpoint | None = None
        self._run, self._pass, self._batches_per_epoch = "", 0, 0
        self._replicas, self._accumulate = Replicas(), 1
        self._last, self._waited, self._since = -1, 0, 0.0

    def open(
        self,
        batches: Callable[..., Any],
        updates_per_epoch: int | None,
        accumulate: int = 1,
        replicas: Replicas | None = None,
    ) -> tuple[Any, int]:
        """Read the newest file that is whole, if there is one, and open the data where it stands.

        Args:
            batches: called with `first_epoch` and `first_batch`; returns a dataset whose first pass starts there.
            updates_per_epoch, accumulate: as in `fit`.
            replicas: who trains together; the chief of several workers reads and writes for all.

        Returns:
            The dataset, and how many batches an epoch has.

        Raises:
            UserError: no callable; no file is whole; or the data, or the epochs, are not those of the run.
        """
        if not callable(batches):
            raise UserError(
                "batches: expected a callable with `checkpoints`, such as functools.partial(data.batches, pairs): "
                "training may go on in the middle"
            )
        self._replicas, self._accumulate = replicas or Replicas(), accumulate
        self._start = pickle.loads(self._replicas.tell(lambda: pickle.dumps(self._newest())))
        if self._start is None:
            self._run = uuid.uuid4().hex
            data = batches(first_epoch=0, first_batch=0)
            self._pass = self._length(data)
            self._batches_per_epoch = (updates_per_epoch or 0) * accumulate or self._pass
            return data, self._batches_per_epoch
        notes, here = self._start.notes, f"as in the run in {str(self.folder)!r}"
        self._run, self._pass = notes["run"], notes["pass"]
        self._batches_per_epoch = (updates_per_epoch or 0) * accumulate or self._pass
        wanted = notes.get("accumulate", 1)
        expect(wanted == accumulate, "accumulate", f"{wanted}, {here}", accumulate)
        wanted = notes["updates_per_epoch"]
        same = wanted == self._batches_per_epoch
        expect(same, "updates_per_epoch", f"{wanted // accumulate}, {here}", updates_per_epoch)
        self.epoch, self.batch, self.stopped = notes["epoch"], notes["batch"], notes["stopped"]
        epoch, batch = divmod(self.epoch * wanted + self.batch, self._pass)
        data = batches(first_epoch=epoch, first_batch=batch)
        expect(
            self._length(data) == self._pass,
            "batches",
            f"{self._pass} in a pass, as when the run began",
            self._length(data),
        )
        logger.info("goes on after %d epochs and %d batches", self.epoch, self.batch)
        return data, wanted

    def around(self, callbacks: Sequence[Any], data: Any, monitor: str, mode: str) -> list[keras.callbacks.Callback]:
        """Return the callbacks with what has to stand before and after them, this one last.

        Args:
            callbacks: all others, in their order.
            data: the dataset, for the types of its batches.
            monitor, mode: which value is the score, see `BestWeights`.
        """
        everyone = [*callbacks, keras.callbacks.History()]  # or Keras puts its own after this one
        self._others = [callback for callback in everyone if _kept(callback)]
        self._data, self._monitor, self._sign = data, monitor, 1 if mode == "max" else -1
        if self.batch:
            everyone.insert(0, ShortEpoch(self._batches_per_epoch - self.batch))
        return [*everyone, self]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._last = -1
        self._begin_to_wait()
        if self._start is None:
            return
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        names = [type(callback).__name__ for callback in self._others]
        notes = self._start.notes["callbacks"]
        if not self._replicas.chief:  # the file is the chief's, who may have more of them
            rest = iter(notes)
            found = (next((note for note in rest if note[0] == name), None) for name in names)
            notes = [note for note in found if note is not None]
        expect(names == [name for name, _ in notes], "callbacks", f"{[name for name, _ in notes]}", names)
        for callback, (_, values) in zip(self._others, notes, strict=True):
            for name, value in values.items():
                setattr(callback, name, value)
        now = self._variables()
        for kind in ("weights", "seeds", "optimizer"):
            self._assign(kind, now[kind])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._start is None or not self.batch:
            self.batch = 0
        else:  # Keras has just reset the metrics
            if len(self.model.metrics_variables) != len(self._start.arrays["metrics"]):
                # On TensorFlow they are made with the first batch, which is too late.
                spec = keras.tree.map_structure(
                    lambda leaf: keras.KerasTensor(tuple(leaf.shape), leaf.dtype.name), self._data.element_spec
                )
                self.model._symbolic_build(data_batch=spec)
            self._assign("metrics", self.model.metrics_variables)
        self._start, self._last, self.epoch = None, -1, epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        done = batch - self._last  # more than one under steps_per_execution
        self._last = batch
        self.batch, self._waited = self.batch + done, self._waited + done
        if self.batch >= self._batches_per_epoch or self.model.stop_training:
            return  # the epoch is over, and is written when it has been scored
        late = self.minutes is not None and self._replicas.agree(time.monotonic() - self._since >= 60 * self.minutes)
        if late or (self.every is not None and self._waited >= self.every):
            self._write(None)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        score = self._sign * float((logs or {}).get(self._monitor, np.nan))
        self.epoch, self.batch, self.stopped = epoch + 1, 0, self.model.stop_training
        self._write(None if np.isnan(score) else score)

    def _newest(self) -> Checkpoint | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._files.newest()

    def _length(self, data: Any) -> int:
        try:
            return self._replicas.length(data)
        except TypeError:
            raise UserError("batches: expected a dataset of known length, one pass long; this one has none") from None

    def _begin_to_wait(self) -> None:
        self._waited, self._since = 0, time.monotonic()

    def _variables(self) -> dict[str, list[Any]]:
        weights = self.model.weights
        known = {id(variable) for variable in weights}
        seeds = [variable for variable in self.model.variables if id(variable) not in known]
        return {"weights": weights, "seeds": seeds, "optimizer": self.model.optimizer.variables}

    def _write(self, score: float | None) -> None:
        variables = self._variables()
        if self.batch:
            variables["metrics"] = self.model.metrics_variables
        with self._replicas.scope():  # or metrics would be this replica's alone
            arrays: Arrays = {kind: [keras.ops.convert_to_numpy(v) for v in group] for kind, group in variables.items()}
        notes = {
            "run": self._run,
            "epoch": self.epoch,
            "batch": self.batch,
            "updates_per_epoch": self._batches_per_epoch,  # the same, before batches could be accumulated
            "accumulate": self._accumulate,
            "pass": self._pass,
            "score": score,
            "stopped": self.stopped,
            "callbacks": [
                (type(other).__name__, {name: getattr(other, name) for name in _kept(other)}) for other in self._others
            ],
        }
        if self._replicas.chief:  # the others read the sums of metrics, which takes all of them
            self._files.add(Checkpoint(arrays, notes))
        self._begin_to_wait()

    def _assign(self, kind: str, variables: Sequence[Any]) -> None:
        assert self._start is not None
        arrays = self._start.arrays.get(kind, [])
        came = [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
        wanted = [(array.shape, str(array.dtype)) for array in arrays]
        if came != wanted:
            odd = next(
                (pair for pair in zip(wanted, came, strict=False) if pair[0] != pair[1]), (len(wanted), len(came))
            )
            raise UserError(f"{kind}: expected {odd[0]}, as in the checkpoint, got {odd[1]}; is it the same model?")
        with self._replicas.scope():
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)


def _kept(callback: keras.callbacks.Callback) -> tuple[str, ...]:
    return getattr(callback, "kept", ()) or next(
        (names for kind, names in KEPT.items() if isinstance(callback, kind)), ()
    )
