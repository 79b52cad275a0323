"""Checkpoints on disk: whole, checked, as many as are wanted; and the mean of several."""

from __future__ import annotations

import random

import numpy as np
import pytest

from keras_attn.errors import UserError
from keras_attn.training import average
from keras_attn.training.checkpoint import Checkpoint
from keras_attn.training.checkpoint_folder import CheckpointFolder


def make(epoch=1, batch=0, score=None, weights=(1.0,), run="one"):
    arrays = {"weights": [np.array(weights, "float32"), np.array(7, "int32")], "seeds": [np.array([1, 2], "uint32")]}
    return Checkpoint(arrays, {"epoch": epoch, "batch": batch, "score": score, "run": run})


def test_it_comes_back_bit_for_bit(tmp_path):
    random_ = np.random.default_rng(0)
    arrays = {"weights": [random_.normal(size=(3, 5)).astype("float32") for _ in range(12)], "seeds": []}
    arrays["weights"][3][0, 0] = np.nan
    notes = {"best": -np.inf, "score": 0.1 + 0.2, "rows": [{"loss": float(np.float32(0.1))}], "seconds": np.float32(3)}
    Checkpoint(arrays, notes).write(tmp_path / "a.npz")
    again = Checkpoint.read(tmp_path / "a.npz")
    assert [array.tobytes() for array in again.arrays["weights"]] == [array.tobytes() for array in arrays["weights"]]
    assert again.notes == notes


def test_a_flipped_bit_is_seen_wherever_it_is(tmp_path):
    path = tmp_path / "a.npz"
    make(weights=np.arange(50)).write(path)
    good, whole = path.read_bytes(), Checkpoint.read(path)
    draw, refused = random.Random(3), 0
    for _ in range(300):
        place = draw.randrange(len(good))
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << draw.randrange(8))]) + good[place + 1 :])
        try:
            came = Checkpoint.read(path)
        except UserError:
            refused += 1
            continue
        assert came.notes == whole.notes  # a bit that says nothing, such as in a date
        assert {k: [a.tobytes() for a in v] for k, v in came.arrays.items()} == {
            k: [a.tobytes() for a in v] for k, v in whole.arrays.items()
        }
    assert refused > 150


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    make().write(path)
    good = path.read_bytes()
    for length in (0, 1, 100, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(UserError, match=r"a\.npz: no checkpoint, or a damaged one"):
            Checkpoint.read(path)
        assert Checkpoint.read_notes(path) == {}


def names(folder):
    return [path.stem for path in folder.files()]


def test_the_newest_two_stay_and_those_of_epochs_that_are_asked_for(tmp_path):
    for keep, wanted in (
        ({}, ["0004-000000", "0004-000003"]),
        ({"keep_last": 3}, ["0002-000000", "0003-000000", "0004-000000", "0004-000003"]),
        ({"keep_best": 2}, ["0001-000000", "0003-000000", "0004-000000", "0004-000003"]),
    ):
        path = tmp_path / str(keep)
        path.mkdir()
        folder = CheckpointFolder(path, **keep)
        for epoch, score in enumerate((9.0, 3.0, 8.0, None), start=1):
            folder.add(make(epoch - 1, 3))
            folder.add(make(epoch, 0, score))
        folder.add(make(4, 3))
        assert names(folder) == wanted
        assert folder.newest().notes["batch"] == 3


def test_the_last_and_the_best_of_epochs_are_chosen(tmp_path):
    folder = CheckpointFolder(tmp_path, keep_last=9)
    for epoch, score in enumerate((9.0, 3.0, None, 8.0), start=1):
        folder.add(make(epoch, 0, score))
        folder.add(make(epoch, 5))
    assert [path.stem for path in folder.chosen(last=2)] == ["0003-000000", "0004-000000"]
    assert [path.stem for path in folder.chosen(best=2)] == ["0004-000000", "0001-000000"]
    for wrong, message in (
        ({"last": 5}, "last: expected 1 to 4, as many as .* holds .*--training.keep-last keeps more.*, got 5"),
        ({"best": 4}, "best: expected 1 to 3, as many as .* holds .*--training.keep-best keeps more.*, got 4"),
        ({"last": 0}, "last: expected 1 to 4"),
        ({}, "last, best: expected one of the two"),
        ({"last": 1, "best": 1}, "last, best: expected one of the two"),
    ):
        with pytest.raises(UserError, match=message):
            folder.chosen(**wrong)


def test_the_mean_is_that_of_the_hand(tmp_path):
    paths = [tmp_path / f"{number}.npz" for number in range(3)]
    for path, weights in zip(paths, ([1, 2], [2, 4], [6, 0]), strict=True):
        make(weights=weights).write(path)
    mean, count = average(paths)
    assert mean.dtype == np.float32
    assert mean.tolist() == [3, 2]
    assert (count.dtype, count) == (np.int32, 7)


def test_the_mean_of_models_that_were_trained_apart_is_refused(tmp_path):
    make(run="one").write(tmp_path / "a.npz")
    make(run="two").write(tmp_path / "b.npz")
    with pytest.raises(UserError, match=r"paths: expected checkpoints of one run, got .*b\.npz"):
        average([tmp_path / "a.npz", tmp_path / "b.npz"])
    with pytest.raises(UserError, match="paths: expected one checkpoint or more"):
        average([])
