"""The mean of several checkpoints."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_attn.errors import UserError, expect
from keras_attn.training.checkpoint import Checkpoint


def average(paths: Sequence[str | os.PathLike[str]]) -> list[np.ndarray]:
    """Return the mean of the weights of several checkpoints of one run, for `model.set_weights`.

    w = 1/k sum_i w_i, summed in float64.

    In a run with a moving average (`ema`) these are the weights that training goes on from, not that average, of which
    the scores are: the mean of several takes its place.

    Args:
        paths: files written by `callbacks.Checkpoints`.

    Raises:
        UserError: no file, one that cannot be read, or files of different runs.

    Source: Vaswani et al. 2017, section 6.1 (the last 5 or 20 checkpoints).
    """
    expect(len(paths) >= 1, "paths", "one checkpoint or more", list(paths))
    total: list[np.ndarray] = []
    first: Checkpoint | None = None
    for path in map(Path, paths):
        one = Checkpoint.read(path)
        first = first or one
        if one.notes["run"] != first.notes["run"]:
            raise UserError(
                f"paths: expected checkpoints of one run, got {str(path)!r}, which is not of the run of "
                f"{os.fspath(paths[0])!r}; means of models that were trained apart say nothing"
            )
        weights = [weight.astype("float64") for weight in one.arrays["weights"]]
        total = [sum_ + weight for sum_, weight in zip(total, weights, strict=True)] if total else weights
    assert first is not None
    return [(sum_ / len(paths)).astype(w.dtype) for sum_, w in zip(total, first.arrays["weights"], strict=True)]
