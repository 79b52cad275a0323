"""Two processes on one machine train one model as one process does, and a worker that dies stops the other one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import toy_workers

from keras_attn import training
from keras_attn.errors import UserError
from keras_attn.training.replicas import is_chief
from keras_attn.training.replicas.replicas import read_config

TESTS = Path(__file__).parent.parent
# An epoch is an update, and its logs.
SETTINGS = {"epochs": 6, "updates_per_epoch": 1, "smoothing": 0.0, "score": "rises"}
BOUND = 240  # seconds until whoever is left must have stopped; from the death it takes about 1


def start(folder, settings, **variables):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(TESTS / "toy_workers.py"), str(folder), json.dumps(settings)]
    few = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    environment = {**os.environ, **few, **variables}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def two(folder, settings, dies_after=0):
    """Start two workers, the second one to die; the chief alone has the folder."""
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("localhost", 0))
        addresses = [f"localhost:{free.getsockname()[1]}" for free in (one, other)]
    workers = []
    for index, place in enumerate((folder, folder.with_name(f"{folder.name}-other"))):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        dies = {"DIES_AFTER": str(dies_after)} if index == 1 else {}
        workers.append(start(place, settings, TF_CONFIG=json.dumps(config), **dies))
    return workers


def ends(process):
    """(exit status, what it found, the last line of its errors)"""
    try:
        said, errors = process.communicate(timeout=BOUND)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return process.returncode, found[0] if found else None, (errors.splitlines() or [""])[-1]


def agree(came, wanted):
    """Losses of every update to 1e-5, weights to rounding."""
    for name in ("loss", "perplexity", "tokens", "val_perplexity", "val_tokens", "val_score"):
        assert len(came["history"][name]) == SETTINGS["epochs"]
        np.testing.assert_allclose(came["history"][name], wanted["history"][name], rtol=1e-5, err_msg=name)
    for one, other in zip(came["left"], wanted["left"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return toy_workers.main(tmp_path_factory.mktemp("alone"), dict(SETTINGS))


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two workers find, and their folder."""
    folder = tmp_path_factory.mktemp("together") / "run"
    workers = two(folder, SETTINGS)
    found = [ends(worker) for worker in workers]
    assert [status for status, _, _ in found] == [0, 0], [error for _, _, error in found]
    return folder, [result for _, result, _ in found]


def test_two_workers_are_one_process(alone, together):
    folder, found = together
    assert found[0] == found[1]
    agree(found[0], alone)
    assert list((folder / "checkpoints").glob("*.npz"))
    assert not list(folder.with_name("run-other").iterdir())  # only the chief writes


def test_a_worker_dies_the_other_stops_and_the_same_command_goes_on(together, tmp_path):
    workers = two(tmp_path / "run", SETTINGS, dies_after=4)
    left, killed = (ends(worker) for worker in workers)
    assert killed[0] == -9
    status, found, error = left
    assert (status, found) == (2, None)
    assert error.startswith("toy: error: worker 0 of 2: another one cannot be reached any more (")
    assert error.endswith(
        "start all of them again with the same command, and training goes on from the last checkpoint"
    )
    assert (tmp_path / "run" / "checkpoints" / "0003-000000.npz").is_file()
    again = [ends(worker) for worker in two(tmp_path / "run", SETTINGS)]
    assert [status for status, _, _ in again] == [0, 0], [error for _, _, error in again]
    assert [result for _, result, _ in again] == together[1]  # bit for bit the run in which nobody died


def test_a_run_that_was_best_before_a_worker_died_ends_with_its_best_weights(tmp_path):
    falls = {**SETTINGS, "score": "falls", "epochs": 4}
    whole = [ends(worker) for worker in two(tmp_path / "whole", falls)]
    assert ends(two(tmp_path / "run", falls, dies_after=3)[0])[0] == 2
    again = [ends(worker) for worker in two(tmp_path / "run", falls)]
    for came, wanted in zip(again, whole, strict=True):
        assert came[0] == wanted[0] == 0, came[2] + wanted[2]
        assert came[1] == wanted[1]
    val = whole[0][1]["history"]["val_score"]
    assert val == sorted(val, reverse=True)


def test_two_devices_are_one(alone, tmp_path):
    status, found, error = ends(start(tmp_path / "run", {**SETTINGS, "devices": 2}))
    assert status == 0, error
    agree(found, alone)


def test_two_devices_of_jax_are_one(tmp_path):
    """Accumulating as well, which `tf.distribute` cannot."""
    pytest.importorskip("jax")
    settings = {**SETTINGS, "accumulate": 2}
    # On a busy machine one device may wait for the other longer than XLA does before it aborts, 40 s.
    flags = "--xla_force_host_platform_device_count=2 --xla_cpu_collective_call_terminate_timeout_seconds=600"
    backend = {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
    one = start(tmp_path / "one", settings, **backend)
    two = start(tmp_path / "two", {**settings, "devices": 2}, **backend)
    (status, first, error), (other_status, both, other_error) = ends(one), ends(two)
    assert (status, other_status) == (0, 0), error + other_error
    agree(both, first)
    assert (first["replicas"], first["devices"], both["replicas"], both["devices"]) == (1, 1, 2, 2)


def test_what_would_silently_not_be_shared_is_refused(tmp_path):
    config = json.dumps({"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": {"type": "worker", "index": 0}})
    processes = {
        "TF_CONFIG: 2 workers need KERAS_BACKEND=tensorflow, got jax": start(
            tmp_path, SETTINGS, KERAS_BACKEND="jax", TF_CONFIG=config
        ),
        "accumulate: expected 1 with 2 replicas of tf.distribute, as Keras accumulates in one alone": start(
            tmp_path, {**SETTINGS, "devices": 2, "accumulate": 2}
        ),
        "jit: expected False (--training.no-jit) with 2 replicas of tf.distribute": start(
            tmp_path, {**SETTINGS, "devices": 2, "jit": True}
        ),
        "precision: expected float32 or bfloat16 with 2 replicas of tf.distribute, where nothing scales": start(
            tmp_path, {**SETTINGS, "devices": 2, "precision": "float16"}
        ),
        "devices: expected 1 of each of 2 workers without GPUs": start(
            tmp_path, {**SETTINGS, "devices": 2}, TF_CONFIG=config
        ),
        "devices: expected at most 1, as many as JAX has": start(
            tmp_path, {**SETTINGS, "devices": 2}, KERAS_BACKEND="jax", XLA_FLAGS=""
        ),
    }
    for message, process in processes.items():
        status, _, error = ends(process)
        assert status == 2
        assert message in error


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}},
            "TF_CONFIG: names 3 workers, but",
        ),
        ([1], "TF_CONFIG: expected a cluster and a task in JSON, got"),
    ],
)
def test_a_plain_model_does_not_train_alone_among_workers(config, message, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(UserError, match=message):
        training.fit(toy_workers.views(), None, epochs=1)


def test_a_layout_that_tensorflow_would_not_follow_is_refused(monkeypatch):
    class DataParallel:
        pass

    monkeypatch.setattr(keras.distribution, "distribution", DataParallel)
    with pytest.raises(UserError, match="a DataParallel was set, which does nothing on the tensorflow backend"):
        training.fit(toy_workers.views(), None, epochs=1)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({}, (1, 0)),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, (2, 1)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, (2, 1)),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, (2, 0)),
    ],
)
def test_the_chief_is_the_first_worker_or_goes_by_that_name(config, place, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert read_config() == place
    assert is_chief() == (place[1] == 0)
