"""Training ends after so many updates or minutes, and what it ends with is scored and kept."""

from __future__ import annotations

import functools

import keras
import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training.callbacks import Checkpoints, Limits, limits


class Clock(keras.callbacks.Callback):
    """Half a minute for each batch, five for each score."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.now, self.batches = 1000.0, 0
        monkeypatch.setattr(limits.time, "monotonic", lambda: self.now)

    def on_train_batch_begin(self, batch, logs=None):
        self.now += 30
        self.batches += 1

    def score(self):
        self.now += 300
        return 0.0


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def fit(clock, checkpoints=None, **settings):
    """Epochs of 7 batches."""
    batches = functools.partial(as_dataset, toy_training.corpus())
    return training.fit(
        toy_training.views(),
        batches if checkpoints else batches(),
        score=clock.score,
        callbacks=[clock],
        checkpoints=checkpoints,
        verbose=0,
        **settings,
    ).history


@pytest.mark.parametrize(
    ("settings", "batches", "epochs"),
    [
        ({"epochs": 3, "updates": 10}, 10, 2),
        ({"epochs": 1, "updates": 10}, 7, 1),
        ({"epochs": None, "updates": 10}, 10, 2),
        ({"epochs": None, "updates": 14}, 14, 2),
        ({"epochs": None, "minutes": 3}, 6, 1),
        ({"epochs": None, "minutes": 8.6}, 8, 2),  # 3.5 for an epoch and 5 for its score
        ({"epochs": None, "minutes": 8.5}, 7, 1),  # its score takes the last of the time
    ],
)
def test_it_ends_at_the_first_limit_and_with_a_score(settings, batches, epochs, clock):
    history = fit(clock, **settings)
    assert clock.batches == batches
    assert len(history["val_score"]) == epochs


def test_a_training_that_goes_on_has_used_what_was_used_before(clock, tmp_path):
    class Killed(BaseException):
        pass

    def die(batch, logs):
        if clock.batches == 5:
            raise Killed

    killer = keras.callbacks.LambdaCallback(on_train_batch_end=die)
    killer.kept = ()
    every = {"every": 4, "minutes": None}
    with pytest.raises(Killed):
        training.fit(
            toy_training.views(),
            functools.partial(as_dataset, toy_training.corpus()),
            score=clock.score,
            callbacks=[clock, killer],
            checkpoints=Checkpoints(tmp_path, **every),
            verbose=0,
            epochs=None,
            minutes=3,
        )
    clock.now += 10_000  # nobody trains
    fit(clock, Checkpoints(tmp_path, **every), epochs=None, minutes=3)
    assert clock.batches == 5 + 2  # of six, four were kept


def test_linear_decay_ends_with_the_updates():
    model = toy_training.views()
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.training.optimizer.learning_rate))
    )
    data = as_dataset(toy_training.corpus())
    training.fit(model, data, epochs=None, updates=10, peak=0.1, schedule="linear", verbose=0, callbacks=[note])
    assert len(rates) == 10
    assert rates[-3] == pytest.approx(0.1 / 8)  # of the next update, the tenth is the last
    assert rates[-2] == 0


def test_mistakes():
    for wrong, message in (
        ({"updates": 0}, "updates: expected at least 1"),
        ({"minutes": 0}, "minutes: expected more"),
    ):
        with pytest.raises(UserError, match=message):
            Limits(**wrong)
    data = as_dataset(toy_training.corpus())
    with pytest.raises(UserError, match="epochs: expected some, or `updates`, or `minutes`, got None"):
        training.fit(toy_training.views(), data, epochs=None)
    with pytest.raises(UserError, match="schedule: 'cosine' ends with the run; give `epochs` or `updates`"):
        training.fit(toy_training.views(), data, epochs=None, minutes=1, schedule="cosine")
