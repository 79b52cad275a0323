"""A file of weights that appears whole or not at all."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any


def save_weights(model: Any, path: Path) -> None:
    """Write the weights of a Keras model, as `model.save_weights` does, and replace `path` when all went well.

    Args:
        model: a Keras model.
        path: a file name that ends in `.weights.h5`.

    Raises:
        OSError: the folder is not there, is not writable or is full; `path` is left as it was.
    """
    partial = partial_name(path)
    try:
        variables = [*model.weights, *getattr(getattr(model, "optimizer", None), "variables", ())]  # Keras writes both
        _reserve(partial, sum(math.prod(variable.shape) for variable in variables) * 4)
        model.save_weights(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def partial_name(path: Path) -> Path:
    """The name while the file is written; Keras wants the ending. A process that is killed leaves it behind."""
    return path.with_name("partial.weights.h5")


def _reserve(path: Path, size: int) -> None:
    """Raise OSError if the disk has no room for so many bytes: HDF5 1.14 ends the process with a segmentation fault."""
    if hasattr(os, "posix_fallocate"):
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size + 100_000)
