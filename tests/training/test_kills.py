"""A training that is killed twenty times, by SIGKILL, ends as the one that was left alone."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys

import pytest
import toy_training

SETTINGS = {"epochs": 4, "schedule": "plateau", "patience": 5, "ema": 0.9}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run that was left alone, and one that was killed; and what was said about the second."""
    draw = random.Random(20)
    folder = tmp_path_factory.mktemp("kills")
    for name in ("alone", "killed"):
        (folder / name).mkdir()
    kills = [draw.randint(1, 130) for _ in range(20)]
    jobs = [(f"{folder}/alone", [0], SETTINGS), (f"{folder}/killed", [*kills, 0], SETTINGS)]
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, toy_training.__file__, json.dumps(jobs)],
        capture_output=True,
        text=True,
        env={**os.environ, **threads, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    said = [line for line in done.stdout.splitlines() if line.startswith(("killed", "finished"))]
    assert sum(line.startswith("finished") for line in said) == 2, done.stderr[-2000:]
    return folder / "alone", folder / "killed", said


def test_it_ends_with_the_same_weights_optimizer_scores_and_logs(folders):
    alone, killed = (pickle.loads((folder / "found.pickle").read_bytes()) for folder in folders[:2])
    assert len(alone["log"]) == SETTINGS["epochs"]
    assert alone["last"].keys() == {"weights", "seeds", "optimizer"}
    assert killed == alone


def test_it_was_killed_twenty_times_while_writing_and_while_training(folders):
    killed = [line for line in folders[2] if line.startswith("killed")]
    assert len(killed) == 20
    assert {"killed: write", "killed: replace", "killed: batch"} <= set(killed)  # in, and after, a checkpoint's writing


def test_what_was_half_written_is_gone(folders):
    alone, killed = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} for folder in folders[:2]
    )
    assert not [name for name in killed if "partial" in name or "/." in name]
    # A middle that was written again at other batches aside.
    assert {name for name in alone if "-000000" in name} <= killed
