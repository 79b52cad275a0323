"""What `fit` makes of its arguments, on a model that is as small as can be."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_attn import training

SENTENCES, LENGTH, WORDS = 6, 3, 7


@pytest.fixture
def views():
    """Views whose `training` predicts a word from the word before it."""
    keras.utils.set_random_seed(0)
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    logits = keras.layers.Dense(WORDS)(keras.layers.Embedding(WORDS, 5)(target))
    return SimpleNamespace(training=keras.Model({"source": source, "target": target}, logits))


def data(seed=0, batch=2):
    random = np.random.default_rng(seed)
    ids = random.integers(1, WORDS, (SENTENCES, LENGTH)).astype("int32")
    weights = (np.arange(LENGTH) < random.integers(1, LENGTH + 1, (SENTENCES, 1))).astype("float32")
    pairs = ({"source": ids, "target": ids}, ids[:, ::-1], weights)
    return tf.data.Dataset.from_tensor_slices(pairs).batch(batch)


def scores(*values, name="bleu"):
    values = iter(values)

    def score():
        return next(values)

    score.name = name
    return score


class Watch(keras.callbacks.Callback):
    """Notes the weights, the rate and the keys of the logs of every epoch."""

    def __init__(self):
        super().__init__()
        self.weights, self.rates, self.keys = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.keys.append(set(logs))


def fit(views, epochs=4, **settings):
    watch = Watch()
    history = training.fit(views, data(), epochs=epochs, callbacks=[watch], verbose=0, peak=0.1, warmup=1, **settings)
    return watch, history.history


def is_epoch(views, watch, epoch):
    return all(
        (one == other).all() for one, other in zip(views.training.get_weights(), watch.weights[epoch], strict=True)
    )


def test_the_epoch_of_the_best_score_is_left(views):
    watch, history = fit(views, score=scores(10, 30, 20, 25))
    assert history["val_bleu"] == [10, 30, 20, 25]
    assert "val_bleu" in watch.keys[0]
    assert is_epoch(views, watch, 1)
    assert not is_epoch(views, watch, 3)


def test_a_score_goes_before_validation_perplexity_and_that_before_loss(views):
    watch, history = fit(views, score=scores(4, 3, 2, 1, name="exact_match"), validation=data(1))
    assert history["val_perplexity"].index(min(history["val_perplexity"])) != 0
    assert is_epoch(views, watch, 0)
    watch, history = fit(views, validation=data(5), epochs=3)
    assert is_epoch(views, watch, int(np.argmin(history["val_perplexity"])))
    watch, history = fit(views, epochs=3)
    assert is_epoch(views, watch, int(np.argmin(history["loss"])))


def test_it_reports_loss_perplexity_and_tokens(views):
    _, history = fit(views, epochs=1, validation=data(1))
    assert {"loss", "perplexity", "tokens", "val_loss", "val_perplexity"} <= set(history)
    tokens = sum(float(tf.reduce_sum(weights)) for _, _, weights in data())
    assert history["tokens"] == [tokens]


def test_the_best_weights_are_kept_in_a_file(views, tmp_path):
    watch, _ = fit(views, score=scores(1, 2, 1, 1), best=tmp_path / "best.weights.h5")
    assert is_epoch(views, watch, 1)
    views.training.set_weights(watch.weights[3])
    views.training.load_weights(tmp_path / "best.weights.h5")
    assert is_epoch(views, watch, 1)


def test_the_best_weights_are_kept_even_if_another_callback_fails(views, tmp_path):
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise OSError("no room for a picture")

    path = tmp_path / "best.weights.h5"
    with pytest.raises(OSError, match="no room"):
        training.fit(views, data(), epochs=1, callbacks=[Fails()], verbose=0, best=path)
    assert path.is_file()


def test_an_unknown_schedule_names_those_there_are(views):
    with pytest.raises(ValueError, match=r"schedule: expected one of 'inverse_square_root', 'linear', .*, got 'step'"):
        training.fit(views, data(), schedule="step")


def test_it_stops_early_after_so_many_epochs_without_a_better_score(views):
    watch, history = fit(views, epochs=9, score=scores(10, 30, 20, 30, 99), patience=2)
    assert history["val_bleu"] == [10, 30, 20, 30]
    assert is_epoch(views, watch, 1)


def test_patience_looks_at_perplexity_where_less_is_better(views):
    _, history = fit(views, epochs=40, validation=data(9), patience=1, smoothing=0.0)
    values = history["val_perplexity"]
    assert len(values) < 40
    assert values[-1] >= min(values[:-1])


def test_a_plateau_halves_the_rate(views):
    watch, _ = fit(views, epochs=7, schedule="plateau", score=scores(1, 5, 4, 4, 4, 4, 9))
    assert watch.rates == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025])


def test_a_plateau_of_perplexity_does_not_halve_the_rate_while_it_falls(views):
    watch, history = fit(views, epochs=4, schedule="plateau", validation=data(0))
    assert history["val_perplexity"] == sorted(history["val_perplexity"], reverse=True)
    assert watch.rates == pytest.approx([0.1] * 4)


def test_the_inverse_square_root_counts_updates(views):
    watch = Watch()
    training.fit(views, data(), epochs=2, callbacks=[watch], verbose=0, peak=0.1, warmup=4)
    # Three updates an epoch; the rate shown is that of the next update.
    assert watch.rates == pytest.approx([0.1, 0.1 * (4 / 7) ** 0.5])


def test_linear_decay_ends_with_the_run(views):
    watch = Watch()
    training.fit(views, data(), epochs=4, callbacks=[watch], verbose=0, peak=0.1, warmup=100, schedule="linear")
    # Twelve updates, at most a quarter of them to warm up.
    assert watch.rates == pytest.approx([0.1 * 8 / 9, 0.1 * 5 / 9, 0.1 * 2 / 9, 0.0])


def test_an_epoch_of_so_many_updates_goes_on_where_the_last_one_ended(views):
    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen[-1] += 1

        def on_epoch_begin(self, epoch, logs=None):
            seen.append(0)

    seen, read = [], []

    def note(inputs, labels, weights):
        tf.py_function(lambda ids: read.append(ids[0].numpy().tolist()), [inputs["target"]], [])
        return inputs, labels, weights

    training.fit(
        views, data().map(note), epochs=3, updates_per_epoch=2, callbacks=[Batches()], verbose=0, peak=0.1, warmup=1
    )
    assert seen == [2, 2, 2]
    first = [inputs["target"][0].numpy().tolist() for inputs, _, _ in data()]
    assert read[:6] == [first[index % 3] for index in range(6)]


def test_smoothing_and_clipping_are_passed_on(views):
    fit(views, epochs=1, smoothing=0.3, clip_norm=0.25)
    assert views.training.loss.smoothing == 0.3
    assert views.training.optimizer.global_clipnorm == 0.25


def test_clipping_scales_all_gradients_by_one_factor(views):
    def gradients(clip_norm):
        views.training.set_weights(start)
        training.fit(views, data(batch=6), epochs=1, verbose=0, peak=0.1, warmup=1, clip_norm=clip_norm)
        # After one update Adam's first moment is a tenth of the gradient it was given.
        moments = [v.numpy().ravel() for v in views.training.optimizer.variables if "momentum" in v.path]
        assert len(moments) == len(start)
        return 10 * np.concatenate(moments)

    start = views.training.get_weights()
    free = gradients(1e9)
    length = np.linalg.norm(free)
    np.testing.assert_allclose(gradients(length * 3), free, rtol=1e-5)
    clipped = gradients(length / 3)
    np.testing.assert_allclose(clipped, free * np.linalg.norm(clipped) / length, rtol=1e-3, atol=1e-7)
    # TensorFlow adds up a word's gradients after their norm was taken, so a little more than a third may be left.
    assert np.linalg.norm(clipped) == pytest.approx(length / 3, rel=0.2)


def test_the_same_seed_gives_the_same_run(views):
    start = views.training.get_weights()
    first = fit(views, epochs=2)[1]["loss"]
    views.training.set_weights(start)
    assert fit(views, epochs=2)[1]["loss"] == first
