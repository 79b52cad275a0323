"""What a checkpoint must hold, and what becomes of one that is damaged, cannot be written, or is another model's.

Real kills are in test_kills.py; here training is left by an exception, in this process.
"""

from __future__ import annotations

import errno
import functools
import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training.callbacks import Checkpoints, checkpoints
from keras_attn.training.checkpoint import Checkpoint
from keras_attn.training.precision import precision


class Killed(BaseException):
    """As sudden as an exception can be: nothing catches it."""


def killer(batches):
    """Raise at the end of so many batches."""

    def end():
        raise Killed

    return toy_training.Moments("batch", 2 * batches, end)


def train(folder, *kills, **settings):
    """Train, die after so many batches, go on, die after so many more ...; return what is left."""
    folder.mkdir(exist_ok=True)
    for batches in kills:
        with pytest.raises(Killed):
            toy_training.train(folder, killer(batches), **settings)
    return toy_training.train(folder, **settings)


@pytest.mark.parametrize(
    ("settings", "kills", "place"),
    [
        ({"schedule": "plateau", "patience": 1, "epochs": 9, "peak": 0.3}, (8, 9), None),  # ends early
        ({"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "ema": 0.9}, (5, 7), (3, 0, False)),
        ({"updates_per_epoch": 5, "epochs": 4}, (4, 7, 6), (4, 0, False)),  # an epoch is no pass: 5 batches of 7
        ({"updates": 17}, (7, 10), (3, 0, True)),  # ends in the middle of an epoch
    ],
)
def test_all_that_training_remembers_is_restored(settings, kills, place, tmp_path):
    alone = train(tmp_path / "alone", **settings)
    assert alone["place"] == (place or (len(alone["log"]), 0, True))
    assert len(alone["log"]) < settings.get("epochs", 99) or place
    assert train(tmp_path / "killed", *kills, **settings) == alone


def test_the_scale_of_the_loss_is_restored(tmp_path):
    with precision("float16"):
        assert train(tmp_path / "killed", 9, epochs=2) == train(tmp_path / "alone", epochs=2)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("toy"), ema=0.9)


@pytest.fixture
def died(tmp_path):
    """A folder whose training died after eleven batches, and has checkpoints of 7 and of 7 + 3."""
    with pytest.raises(Killed):
        toy_training.train(tmp_path, killer(11), ema=0.9)
    assert [path.name for path in files(tmp_path)] == ["0001-000000.npz", "0001-000003.npz"]
    return tmp_path


def files(folder):
    return sorted((folder / "checkpoints").glob("*"))


def without(kind):
    def change(arrays, notes):
        arrays[kind] = [np.zeros_like(array) for array in arrays[kind]]

    return change


def averages(arrays, notes):
    """Adam holds the updates, an average of each weight, and its moments."""
    arrays["optimizer"][1 : 1 + len(arrays["weights"])] = arrays["weights"]


def one_batch_off(arrays, notes):
    notes["batch"] += 1


def without_best(arrays, notes):
    for name, values in notes["callbacks"]:
        if name == "BestWeights":
            values.update(best=-np.inf, epoch=-1)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (without("seeds"), ()),
        (without("optimizer"), ()),
        (averages, ("weights", "seeds")),  # raw weights know nothing of their average
        (without("metrics"), ("weights", "seeds", "optimizer")),
        (one_batch_off, ()),
        (without_best, ("weights", "seeds", "optimizer")),
    ],
)
def test_nothing_may_be_missing(change, same, died, alone):
    """So that a difference would be seen: a checkpoint that lacks something gives another end."""
    newest = Checkpoint.read(files(died)[-1])
    change(newest.arrays, newest.notes)
    newest.write(files(died)[-1])
    found = train(died, ema=0.9)
    assert found != alone
    assert all(found["last"][kind] == alone["last"][kind] for kind in same)


def spoil(path, how):
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] if how == "cut" else data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_taken(how, died, alone, caplog):
    spoil(files(died)[-1], how)
    assert train(died, ema=0.9) == alone
    assert "0001-000003.npz: no checkpoint, or a damaged one" in caplog.text


def test_without_a_whole_checkpoint_nothing_is_begun(died):
    for path in files(died):
        spoil(path, "cut")
    with pytest.raises(UserError, match="expected a whole checkpoint, got damaged ones; delete it to begin anew"):
        train(died, ema=0.9)
    assert len(files(died)) == 2


def test_a_full_disk_leaves_the_last_checkpoint_and_training_goes_on_when_there_is_room(died, alone, monkeypatch):
    before = {path: path.read_bytes() for path in files(died)}

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(UserError, match=r"0001-000006.npz: a checkpoint could not be written \(No space left on"):
            train(died, ema=0.9)
    assert {path: path.read_bytes() for path in files(died)} == before
    assert train(died, ema=0.9) == alone


def test_a_finished_training_is_not_trained_on(alone, tmp_path):
    train(tmp_path, ema=0.9)
    batches = []
    assert toy_training.train(tmp_path, batches.append, ema=0.9) == alone
    assert batches == []


def begin(folder, toy=None, batches=None, **settings):
    batches = batches or functools.partial(as_dataset, toy_training.corpus())
    more = {"epochs": 3, "verbose": 0, "checkpoints": Checkpoints(folder / "checkpoints"), **settings}
    return training.fit(toy or toy_training.views(), batches, **more)


def test_what_does_not_belong_to_the_run_is_named(died):
    def other(**settings):
        return as_dataset(toy_training.corpus(tokens_per_batch=20), **settings)

    with pytest.raises(UserError, match=r"updates_per_epoch: expected 7, as in the run in .*, got 5"):
        begin(died, updates_per_epoch=5)
    with pytest.raises(UserError, match="batches: expected 7 in a pass, as when the run began, got"):
        begin(died, batches=other)
    with pytest.raises(UserError, match=r"callbacks: expected \['BestWeights', 'EpochLog', 'Limits', 'History'\], got"):
        begin(died)
    assert len(files(died)) == 2


def test_another_model_is_refused(tmp_path, monkeypatch):
    begin(tmp_path, epochs=1)
    monkeypatch.setattr(toy_training, "WORDS", 12)
    with pytest.raises(
        UserError, match=r"weights: expected \(\(11, 5\), 'float32'\), .*, got \(\(12, 5\), 'float32'\)"
    ):
        begin(tmp_path)


def test_a_dataset_cannot_start_in_its_middle(tmp_path):
    with pytest.raises(UserError, match="batches: expected a callable with `checkpoints`"):
        begin(tmp_path, batches=as_dataset(toy_training.corpus()))
    with pytest.raises(UserError, match="batches: expected a dataset of known length, one pass long"):
        begin(tmp_path, batches=lambda **_: as_dataset(toy_training.corpus()).repeat())


@pytest.mark.parametrize("settings", [{"every": 0}, {"minutes": 0}, {"keep_last": -1}, {"keep_best": -1}])
def test_numbers_that_make_no_sense(settings, tmp_path):
    with pytest.raises(UserError, match=next(iter(settings))):
        Checkpoints(tmp_path, **settings)


def test_time_alone_writes_checkpoints_too(tmp_path, monkeypatch):
    now, written = [0.0], []
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def tick(batch, logs):
        now[0] += 50
        written.append([path.name for path in files(tmp_path)])

    clock = keras.callbacks.LambdaCallback(on_train_batch_end=tick)
    begin(
        tmp_path, checkpoints=Checkpoints(tmp_path / "checkpoints", every=None, minutes=2), callbacks=[clock], epochs=1
    )
    assert written[2] == []
    assert written[3] == ["0000-000003.npz"]  # 150 seconds, noted before this callback's fourth
    assert written[6] == ["0000-000003.npz", "0000-000006.npz"]
