"""The weights of the best epoch are kept, whole, and come back at the end."""

from __future__ import annotations

import os
import resource

import keras
import numpy as np
import pytest

from keras_attn.errors import UserError
from keras_attn.training.callbacks import BestWeights
from keras_attn.training.weights_file import save_weights

NAN = float("nan")


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def train(model, callback, values, monitor="val_bleu"):
    """Epochs whose weights all hold the epoch's number, and whose logs hold `values`."""
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        set_to(model, epoch)
        callback.on_epoch_end(epoch, {"loss": 0.0, monitor: value})


def set_to(model, number):
    model.set_weights([np.full(weight.shape, number, "float32") for weight in model.weights])


def held(model):
    (number,) = {float(value) for weight in model.get_weights() for value in weight.ravel()}
    return number


@pytest.fixture(params=["memory", "file"])
def path(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "new" / "best.weights.h5"


@pytest.mark.parametrize(
    ("mode", "values", "best"),
    [
        ("max", [1, 5, 3], 1),
        ("min", [1, 5, 3], 0),
        ("max", [2, 2, 2], 0),  # the first of equals
        ("max", [-3, -2, -9], 1),
        ("min", [NAN, NAN, 4, NAN, 5], 2),  # no number is never better
        ("max", [NAN, NAN], 0),  # but something is left behind
    ],
)
def test_the_best_epoch_comes_back(model, path, mode, values, best):
    callback = BestWeights("val_bleu", mode, path)
    train(model, callback, values)
    assert callback.epoch == best
    assert held(model) == len(values) - 1
    callback.on_train_end()
    assert held(model) == best
    if path:
        assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_in_fit_it_reads_the_logs_of_keras(model, tmp_path):
    x, y = np.ones((8, 3), "float32"), np.ones((8, 2), "float32")
    callback = BestWeights("val_loss", "min", tmp_path / "best.weights.h5")
    # The rate is so high that every epoch makes it worse: the first is best.
    model.compile(keras.optimizers.SGD(5.0), "mse")
    history = model.fit(x, y, validation_data=(x, y), epochs=3, verbose=0, callbacks=[callback]).history
    assert history["val_loss"][0] == min(history["val_loss"])
    assert model.evaluate(x, y, verbose=0) == pytest.approx(history["val_loss"][0], rel=1e-5)


def test_the_file_is_there_after_the_first_epoch(model, tmp_path):
    path = tmp_path / "best.weights.h5"
    train(model, BestWeights("val_bleu", "max", path), [1, 0])
    set_to(model, 9)
    model.load_weights(path)
    assert held(model) == 0


def test_a_file_that_could_not_be_written_whole_never_replaces_a_good_one(model, tmp_path, monkeypatch):
    path = tmp_path / "best.weights.h5"
    callback = BestWeights("val_bleu", "max", path)
    train(model, callback, [1])
    good = path.read_bytes()

    def torn(target):
        assert path.read_bytes() == good
        target.write_bytes(good[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", torn)
    with pytest.raises(OSError, match="No space left"):
        callback.on_epoch_end(1, {"val_bleu": 2})
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_leaves_the_good_file(model, tmp_path):
    path = tmp_path / "best.weights.h5"
    callback = BestWeights("val_bleu", "max", path)
    train(model, callback, [1])
    good = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # no file may grow over so many bytes
    try:
        with pytest.raises(OSError, match=r"(?i)file too large|errno = 27"):
            callback.on_epoch_end(1, {"val_bleu": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_room_is_kept_for_all_that_is_written(tmp_path, monkeypatch):
    """HDF5 ends the process where there is none: the optimizer's moments are in the file of a compiled model too."""
    model = keras.Sequential([keras.layers.Input((300,)), keras.layers.Dense(300)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    kept = []
    monkeypatch.setattr(os, "posix_fallocate", lambda file, start, size: kept.append(size))
    save_weights(model, tmp_path / "best.weights.h5")
    (size,) = kept
    written = (tmp_path / "best.weights.h5").stat().st_size
    assert 3 * 4 * 300 * 301 < written <= size


def test_a_value_that_is_not_in_the_logs_names_those_that_are(model):
    with pytest.raises(UserError, match="monitor: expected one of loss, val_loss, got 'val_bleu'; a score must be"):
        train(model, BestWeights("val_bleu", "max"), [1], monitor="val_loss")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("loss", "min", "best.h5"), r"path: expected a file name that ends in .weights.h5, got 'best.h5'"),
        (("loss", "auto"), "mode: expected 'min' or 'max', got 'auto'"),
    ],
)
def test_mistakes_are_told_when_it_is_made(arguments, message):
    with pytest.raises(UserError, match=message):
        BestWeights(*arguments)


def test_a_fit_of_no_epoch_changes_nothing(model):
    callback = BestWeights("val_bleu", "max")
    set_to(model, 7)
    train(model, callback, [])
    callback.on_train_end()
    assert held(model) == 7
