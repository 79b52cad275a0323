"""The same numbers on the other backends of Keras, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import other_backend
import pytest
from catalogue import MODELS, every_layer, every_model, same

CLOSE = 1e-5


@pytest.fixture(scope="module", params=["jax", "torch"])
def other(request, tmp_path_factory):
    """What the other backend gave, without TensorFlow: arrays by row."""
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; `pip install {backend}` to run these tests on it too")
    folder = tmp_path_factory.mktemp(backend)
    (row,) = [row for row in MODELS if row.name == "gru-additive"]
    row.views().training.save(folder / "model.keras")
    done = subprocess.run(
        [sys.executable, other_backend.__file__, str(folder)],
        # Every operation of every shape is compiled once and hardly ever run again.
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "JAX_PLATFORMS": "cpu",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "True",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "numbers.npz") as file:
        numbers = dict(file)
    assert numbers.pop("backend") == backend
    return numbers


def check(numbers, name, ours):
    theirs = {key: array for key, array in numbers.items() if key.rpartition("-")[0] == name}
    assert f"{name}-error" not in theirs, theirs[f"{name}-error"]
    assert len(theirs) == len(ours)
    same([theirs[f"{name}-{index}"] for index in range(len(ours))], ours, CLOSE)


@every_layer
def test_a_layer_gives_the_same(other, row):
    check(other, row.name, other_backend.of_layer(row))


@every_model
def test_a_model_gives_the_same(other, row):
    check(other, row.name, other_backend.of_model(row))


def test_the_suite_runs_there(other):
    assert other["suite"].tolist() == list(other_backend.SUITE)


def test_a_file_of_tensorflow_is_loaded_there(other):
    (row,) = [row for row in MODELS if row.name == "gru-additive"]
    check(other, "file", other_backend.of_model(row)[:1])
