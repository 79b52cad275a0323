"""A training that is killed twenty times, by SIGKILL, ends as the one that was left alone."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import subprocess
import sys

import pytest
import toy_training

NEVER = ("batch", 0)
SETTINGS = {"epochs": 4, "schedule": "plateau", "patience": 5, "ema": 0.9}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run that was left alone, and one that was killed; and how the processes of both ended."""
    draw = random.Random(20)
    most = {"write": 60, "fsync": 4, "replace": 6, "batch": 12, "score": 1}
    kinds = [*most] * 4
    draw.shuffle(kinds)
    kills = [(kind, draw.randint(1, most[kind])) for kind in kinds]
    folder = tmp_path_factory.mktemp("kills")
    for name in ("alone", "killed"):
        (folder / name).mkdir()
    jobs = [(f"{folder}/alone", [NEVER], SETTINGS), (f"{folder}/killed", [*kills, NEVER], SETTINGS)]
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, toy_training.__file__, json.dumps(jobs)],
        capture_output=True,
        text=True,
        env={**os.environ, **threads, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    ends = [int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("exit status")]
    assert ends[0] == ends[-1] == 0, done.stderr[-2000:]
    return folder / "alone", folder / "killed", ends


def test_it_ends_with_the_same_weights_optimizer_scores_and_logs(folders):
    alone, killed = (pickle.loads((folder / "found.pickle").read_bytes()) for folder in folders[:2])
    assert len(alone["log"]) == SETTINGS["epochs"]
    assert alone["last"].keys() == {"weights", "seeds", "optimizer"}
    assert killed == alone


def test_it_was_killed_twenty_times(folders):
    """Four times each around a batch, in a score, and in, after and at the renaming of what is written."""
    assert folders[2] == [0, *[-signal.SIGKILL] * 20, 0]


def test_what_was_half_written_is_gone(folders):
    alone, killed = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} for folder in folders[:2]
    )
    assert not [name for name in killed if "partial" in name or "/." in name]
    # A middle that was written again at other batches aside.
    assert {name for name in alone if "-000000" in name} <= killed
