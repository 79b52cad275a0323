"""The moving average of the weights is what is scored and kept; the raw weights are what is trained."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training.callbacks import AveragedWeights


class Watch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.raw, self.scored, self.validated = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.raw.append(self.model.get_weights())

    def on_test_begin(self, logs=None):
        self.validated.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.scored.append(self.model.get_weights())


def fit(ema, scores=(1.0, 2.0), **settings):
    watch, toy, values = Watch(), toy_training.views(), iter(scores)
    data = as_dataset(toy_training.corpus())
    more = {"peak": 0.1, "warmup": 1, "callbacks": [watch], "verbose": 0, "epochs": len(scores), **settings}
    training.fit(toy, data, score=lambda: next(values), ema=ema, **more)
    return watch, toy.training


def same(one, other):
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def test_scores_and_best_weights_are_of_the_average_and_training_goes_on_with_the_raw_weights():
    validation = as_dataset(toy_training.corpus(shuffle=False))
    watch, model = fit(0.75, validation=validation)
    plain, _ = fit(None)
    assert all(same(one, other) for one, other in zip(watch.raw, plain.raw, strict=True))  # bit for bit
    average, wanted = watch.raw[0], []
    for number, raw in enumerate(watch.raw):
        if number:
            average = [0.75 * a + 0.25 * w for a, w in zip(average, raw, strict=True)]
        wanted.append(average)
    for epoch in (0, 1):
        for came, mean, raw in zip(watch.scored[epoch], wanted[7 * epoch + 6], watch.raw[7 * epoch + 6], strict=True):
            np.testing.assert_allclose(came, mean, rtol=1e-5, atol=1e-6)
            assert np.abs(came - raw).max() > 1e-3
        assert same(watch.validated[epoch], watch.scored[epoch])
    assert same(model.get_weights(), watch.scored[1])


def test_the_best_average_is_left():
    watch, model = fit(0.9, scores=(3.0, 2.0, 1.0))
    assert same(model.get_weights(), watch.scored[0])


def test_an_average_is_that_of_an_optimizer_that_scales_the_loss_too():
    with training.precision.precision("float16"):
        watch, model = fit(0.5)
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert same(model.get_weights(), watch.scored[1])
    assert not same(watch.raw[-1], watch.scored[1])


def test_an_optimizer_without_an_average_is_refused():
    callback, model = AveragedWeights(), toy_training.views().training
    model.compile("adam", "mse")
    callback.set_model(model)
    with pytest.raises(UserError, match="optimizer: expected one with use_ema=True"):
        callback.on_train_begin()


@pytest.mark.parametrize("ema", [-0.1, 1.0])
def test_a_share_that_makes_no_sense(ema):
    with pytest.raises(UserError, match="ema: expected at least 0 and below 1"):
        fit(ema)
