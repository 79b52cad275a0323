"""A file that training can go on from."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_attn.errors import UserError
from keras_attn.whole_file import whole_file

Arrays = dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class Checkpoint:
    """Arrays and notes in one .npz, with a SHA-256 of all that tells whether it is whole.

    The checksums of the format itself leave out the arrays' names.

    Args:
        arrays: lists of arrays by kind, such as "weights" and "optimizer".
        notes: what JSON can hold.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "0001-000000.npz"
    >>> Checkpoint({"weights": [np.ones(2)]}, {"epoch": 1}).write(path)
    >>> Checkpoint.read(path)
    Checkpoint(arrays={'weights': [array([1., 1.])]}, notes={'epoch': 1})
    """

    arrays: Arrays
    notes: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write the file whole or not at all, and to the disk before it gets its name.

        Raises:
            UserError: the disk is full, or the file cannot be written for another reason; nothing was replaced.
        """
        text = json.dumps(self.notes, default=float)  # NumPy's numbers too
        named = {
            f"{kind}.{number:05d}": value for kind, values in self.arrays.items() for number, value in enumerate(values)
        }
        named["notes"] = np.frombuffer(text.encode(), np.uint8)
        named["sha256"] = _sha256(named)
        try:
            with whole_file(path) as partial, partial.open("wb") as file:
                # mypy takes the arrays for `allow_pickle`, too.
                np.savez(file, **named)  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(path.parent)
        except OSError as error:
            raise UserError(
                f"{path}: a checkpoint could not be written ({error.strerror or error}); the last one is untouched: "
                "make room and give the same command again"
            ) from error

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a file, all of it.

        Raises:
            UserError: it is missing, cut short or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                named = {name: file[name] for name in sorted(file.files)}
            if not np.array_equal(named.pop("sha256"), _sha256(named)):
                raise ValueError("its checksum does not hold")
            notes = _notes(named)
        except Exception as error:  # a damaged archive raises whatever its bytes make of it
            raise UserError(f"{path}: no checkpoint, or a damaged one ({error})") from error
        del named["notes"]
        arrays: Arrays = {}
        for name, value in named.items():
            arrays.setdefault(name.rpartition(".")[0], []).append(value)
        return cls(arrays, notes)

    @staticmethod
    def read_notes(path: Path) -> dict[str, Any]:
        """Read the notes alone; {} if they cannot be read."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return _notes(file)
        except Exception:  # see `read`
            return {}


def _notes(file: Any) -> dict[str, Any]:
    return json.loads(file["notes"].tobytes())


def _sha256(named: dict[str, np.ndarray]) -> np.ndarray:
    digest = hashlib.sha256()
    for name in sorted(named):
        array = np.ascontiguousarray(named[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return np.frombuffer(digest.digest(), np.uint8)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
