"""The searches find the same on JAX, inside a model that is compiled there, without TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
import search_backend


@pytest.fixture(scope="module")
def jax(tmp_path_factory):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed; `pip install jax` to run these tests on it too")
    folder = tmp_path_factory.mktemp("jax")
    done = subprocess.run(
        [sys.executable, search_backend.__file__, str(folder)],
        # Every search is compiled once and run once.
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "True",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "found.npz") as file:
        assert str(file["backend"]) == "jax"
        return dict(file)


@pytest.mark.parametrize("name", [name for name in search_backend.searches() if name != "sample"])
def test_a_search_finds_the_same(jax, name):
    for index, ours in enumerate(search_backend.found(name)):
        np.testing.assert_allclose(jax[f"{name}-{index}"], ours, atol=1e-4)


def test_samples_differ_as_random_numbers_do_and_obey_all_the_same(jax):
    ours, (ids, score, _) = search_backend.found("sample"), (jax[f"sample-{index}"] for index in range(3))
    assert ids.shape == ours[0].shape
    assert np.isfinite(score).all()
    for sample in ids[0]:
        said = sample[sample != 0].tolist()
        assert said[0] == 4
        assert 1 not in said
        assert len(said) >= 3
