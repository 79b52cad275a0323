"""An update over k batches is the update over their union, however unequal they are, also after a kill."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.data.parts import Parts
from keras_attn.errors import UserError
from keras_attn.training import Perplexity, SmoothedCrossEntropy
from keras_attn.training.callbacks import Board
from keras_attn.training.optimizers import make_optimizer
from keras_attn.training.precision import precision

UPDATES, CLIP = 5, 0.05  # shorter than every gradient


@pytest.fixture(scope="module")
def corpus():
    """7 batches of 17 to 42 labels, in two shapes."""
    found = toy_training.corpus()
    assert found.steps == 7
    assert found.target_tokens(0).max() > 2 * found.target_tokens(0).min()
    return found


def views():
    """The word after the next, without dropout, and with a gradient that is dense (see docs/design.md)."""
    keras.utils.set_random_seed(3)
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    hidden = keras.layers.Dense(5, use_bias=False)(keras.ops.one_hot(target, toy_training.WORDS))
    logits = keras.layers.Dense(toy_training.WORDS)(hidden)
    return SimpleNamespace(training=keras.Model({"source": source, "target": target}, logits))


def union(corpus, first, count):
    """Some batches as one."""
    steps = corpus.steps
    parts = [corpus.batch(number // steps, number % steps) for number in range(first, first + count)]

    def joined(arrays):
        longest = max(array.shape[1] for array in arrays)
        return np.concatenate([np.pad(array, [(0, 0), (0, longest - array.shape[1])]) for array in arrays])

    inputs, labels, weights = zip(*parts, strict=True)
    sides = {side: joined([part[side] for part in inputs]) for side in ("source", "target")}
    return sides, joined(labels), joined(weights)


def large(corpus, optimizer, count):
    """Train on the unions with plain Keras; return the weights, and loss and perplexity of each update before it."""
    model, logs = views().training, []
    model.compile(optimizer, SmoothedCrossEntropy(0.1), weighted_metrics=[Perplexity()], jit_compile=False)
    for update in range(UPDATES):
        logs.append(model.train_on_batch(*union(corpus, update * count, count), return_dict=True))
    return model.get_weights(), logs


def furthest(ones, others):
    return max(np.abs(one - other).max() for one, other in zip(ones, others, strict=True))


def sgd(count):
    return keras.optimizers.SGD(0.5, momentum=0.9, global_clipnorm=CLIP, gradient_accumulation_steps=count)


def adam(count):
    return make_optimizer("adam", 0.05, [], CLIP, accumulate=count or 1)


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize("count", [2, 3])  # an epoch of 7 ends inside an update
def test_it_equals_the_large_batch(optimizer, count, corpus):
    wanted, _ = large(corpus, optimizer(None), count)

    def small(data, reduction):
        model = views().training
        model.compile(optimizer(count), SmoothedCrossEntropy(0.1, reduction), jit_compile=False)
        model.fit(data.repeat(), steps_per_epoch=UPDATES * count, verbose=0, shuffle=False)
        return model.get_weights()

    assert furthest(small(as_dataset(corpus, accumulate=count), "sum"), wanted) < 5e-7
    # The mean of the batches' means is another gradient, and it is seen.
    assert furthest(small(as_dataset(corpus), "mean_with_sample_weight"), wanted) > 1e-3


class Logs(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        self.rows.append({**logs, "updates": int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))})
        self.weights = self.model.get_weights()


def fit(corpus, toy, **settings):
    seen = Logs()
    more = {"epochs": None, "peak": 0.05, "warmup": 3, "clip_norm": CLIP, "verbose": 0, "callbacks": [], **settings}
    more["callbacks"] = [seen, *more["callbacks"]]
    history = training.fit(toy, functools.partial(as_dataset, corpus), **more)
    return seen, history.history


def test_fit_counts_updates_of_whole_gradients_and_logs_means_over_labels(corpus):
    seen, history = fit(corpus, views(), accumulate=3, updates=UPDATES, updates_per_epoch=1, schedule="linear")
    rate = training.LinearDecay(0.05, 1, UPDATES)  # ends with the updates
    wanted, logs = large(corpus, make_optimizer("adam", rate, [], CLIP), 3)
    assert furthest(seen.weights, wanted) < 5e-7
    assert [row["updates"] for row in seen.rows] == [n // 3 for n in range(1, 3 * UPDATES + 1)]
    # `updates_per_epoch=1` makes an epoch of each update.
    for name in ("loss", "perplexity"):
        np.testing.assert_allclose(history[name], [log[name] for log in logs], rtol=1e-6)
    tokens = [union(corpus, 3 * update, 3)[2].sum() for update in range(UPDATES)]
    assert history["tokens"] == tokens


def test_the_moving_average_moves_once_for_each_update(corpus):
    """a_1 = w_1, a_k = m a_{k-1} + (1 - m) w_k."""
    weights = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (batch + 1) % 3 == 0:
                weights.append(self.model.get_weights())

    toy = views()
    fit(corpus, toy, accumulate=3, updates=UPDATES, updates_per_epoch=UPDATES, ema=0.6, callbacks=[Watch()])
    average = weights[0]
    for later in weights[1:]:
        average = [0.6 * old + 0.4 * new for old, new in zip(average, later, strict=True)]
    assert furthest(toy.training.get_weights(), average) < 1e-6  # the last epoch is the best, and is left


class Killed(BaseException):
    """As sudden as an exception can be: nothing catches it."""


def test_it_goes_on_in_the_middle_of_an_update(tmp_path):
    def killer(batches):
        def end():
            raise Killed

        return toy_training.Moments("batch", 2 * batches, end)

    settings = {"accumulate": 4, "epochs": 4, "ema": 0.9}
    (tmp_path / "killed").mkdir()
    for batches in (7, 6):  # a checkpoint after 6 of the 8 batches of two updates, and after 7 + 3 batches
        with pytest.raises(Killed):
            toy_training.train(tmp_path / "killed", killer(batches), **settings)
    with pytest.raises(UserError, match=r"accumulate: expected 4, as in the run in '.*', got 2"):
        toy_training.train(tmp_path / "killed", **{**settings, "accumulate": 2})
    (tmp_path / "alone").mkdir()
    assert toy_training.train(tmp_path / "killed", **settings) == toy_training.train(tmp_path / "alone", **settings)


def test_a_curve_of_updates_has_each_update_once(corpus, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(Board, "_write", lambda board, run, values, step: written.append((run, step)))
    _, history = fit(corpus, views(), accumulate=3, updates=4, callbacks=[Board(tmp_path, every=2)])
    assert [step for run, step in written if run == "updates"] == [2, 4]
    assert history["updates_per_second"][0] > 0


def test_what_cannot_be_accumulated_is_refused(corpus):
    with pytest.raises(UserError, match="accumulate: expected at least 1, got 0"):
        fit(corpus, views(), accumulate=0, updates=1)
    with pytest.raises(UserError, match="batches: expected a callable that takes accumulate, replicas, mine, such as"):
        training.fit(views(), as_dataset(corpus), accumulate=2)
    with precision("float16"), pytest.raises(UserError, match="accumulate: expected 1 in float16"):
        fit(corpus, toy_training.views(), accumulate=2, updates=1)


# The weights of the parts


@pytest.mark.parametrize(("count", "replicas"), [(1, 2), (3, 1), (2, 3)])
def test_the_shares_of_an_update_are_its_mean(count, replicas, corpus):
    """Over each update the shares add up to k, as an optimizer takes the mean of k gradients."""
    parts = Parts(corpus, count, replicas)
    for first in range(0, 14, count):
        shares = []
        for number in range(first, first + count):
            epoch, step = divmod(number, 7)
            _, _, whole = corpus.batch(epoch, step)
            rows = [parts.batch(epoch, step, replica) for replica in range(replicas)]
            assert len({part[2].shape for part in rows}) == 1
            assert all((part[0]["source"] != 0).any(axis=1).all() for part in rows)
            assert sum((part[2] > 0).sum() for part in rows) == (whole > 0).sum()
            together = parts.batch(epoch, step)
            for replica, part in enumerate(rows):
                np.testing.assert_array_equal(together[0]["target"][replica::replicas], part[0]["target"])
                np.testing.assert_array_equal(together[2][replica::replicas], part[2])
            shares.append(together[2])
        assert sum(share.sum() for share in shares) == pytest.approx(count, rel=1e-6)
        assert len({value for share in shares for value in np.unique(share)} - {0}) == 1


def test_the_labels_of_an_epoch_are_counted_once(corpus, monkeypatch):
    counted, count = [], corpus.target_tokens
    monkeypatch.setattr(corpus, "target_tokens", lambda epoch: counted.append(epoch) or count(epoch))
    parts = Parts(corpus, 3)
    for number in range(21):  # the third and the fifth update go over the end of an epoch
        parts.batch(*divmod(number, 7))
    assert counted == [0, 1, 2]


def test_an_update_of_one_part_keeps_its_weights(corpus):
    np.testing.assert_array_equal(Parts(corpus).batch(1, 2)[2], corpus.batch(1, 2)[2])


def test_loss_and_rate_come_back_from_their_configuration():
    metric = training.MeanLoss(SmoothedCrossEntropy(0.1))
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert (again.name, again.loss.smoothing) == ("loss", 0.1)
    optimizer = make_optimizer("adam", training.LinearDecay(0.05, 2, 9), [], CLIP, ema=0.5, accumulate=3)
    config = optimizer.get_config()
    assert config["ema_momentum"] == 0.5
    rate = keras.saving.deserialize_keras_object(config["learning_rate"])
    assert [float(rate(batch)) for batch in (0, 2, 3)] == pytest.approx([0.025, 0.025, 0.05])
