"""The estimator has the gradient of the expected reward, the baseline takes variance from it, and `fit` uses both."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same
from keras import layers, ops

from keras_attn.layers import AdditiveScoring, DotScoring, HardAttention
from keras_attn.training import ReinforceLoss
from keras_attn.training.reinforce import surrogate

SCORES = np.array([[0.3, -0.5, 1.0], [0.0, 0.7, -0.2]])  # two draws, each from three keys
REWARDS = np.random.default_rng(1).normal(-2.0, 1.0, size=(3, 3))  # of what both draws gave together
COPIES = 40_000


def softmax(scores):
    parts = np.exp(scores - scores.max(-1, keepdims=True))
    return parts / parts.sum(-1, keepdims=True)


def expected_reward(scores):
    """sum over s of p(s) R(s), every s in turn."""
    a = softmax(scores)
    return sum(a[0, i] * a[1, j] * REWARDS[i, j] for i, j in itertools.product(range(3), repeat=2))


def entropy(scores):
    a = softmax(scores)
    return -(a * np.log(a)).sum()


def slope(function, scores):
    """The gradient by central differences."""
    gradient = np.zeros_like(scores)
    for index in np.ndindex(scores.shape):
        step = np.zeros_like(scores)
        step[index] = 1e-5
        gradient[index] = (function(scores + step) - function(scores - step)) / 2e-5
    return gradient


def sampled(baseline, entropy_weight=0.0, reward_weight=1.0):
    """One gradient with respect to the scores for each of many draws of the layer: (copies, 2, 3)."""
    query = tf.constant(np.broadcast_to(SCORES, (COPIES, 2, 3)).astype("float32"))
    keys = np.broadcast_to(np.eye(3, dtype="float32"), (COPIES, 3, 3))
    attention = HardAttention(DotScoring(), seed=2)
    with tf.GradientTape() as tape:
        tape.watch(query)
        _, s, log_probability, bits = attention(
            query, keys, return_attention_scores=True, return_log_probability=True, training=True
        )
        s = numpy(s).argmax(-1)
        reward = REWARDS[s[:, 0], s[:, 1]].astype("float32")
        total = ops.sum(
            surrogate(log_probability, bits, ops.convert_to_tensor(reward), baseline, reward_weight, entropy_weight)
        )
    return -numpy(tape.gradient(total, query)), reward


@pytest.mark.parametrize(("baseline", "reward_weight", "entropy_weight"), [(0, 1, 0), (-2, 1, 0), (-2, 0.5, 0.3)])
def test_the_mean_gradient_is_that_of_the_expected_reward(baseline, reward_weight, entropy_weight):
    gradients, _ = sampled(baseline, entropy_weight, reward_weight)
    exact = reward_weight * slope(expected_reward, SCORES) + entropy_weight * slope(entropy, SCORES)
    error = gradients.std(0) / np.sqrt(COPIES)
    assert (abs(gradients.mean(0) - exact) < 4 * error).all()
    # The test tells them apart: no gradient, or one that is a tenth longer, is not agreement.
    assert (abs(exact) > 4 * error).any()
    assert (abs(gradients.mean(0) - 1.1 * exact) > 4 * error).any()


def test_a_baseline_takes_most_of_the_variance():
    without, reward = sampled(0.0)
    with_mean, _ = sampled(float(reward.mean()))
    assert with_mean.var(0).sum() < 0.5 * without.var(0).sum()


def tensors(batch=5, length=2):
    random = np.random.default_rng(3)
    return tuple(random.normal(size=shape).astype("float32") for shape in ((batch, length), (batch, length), (batch,)))


def test_the_loss_is_the_formula():
    log_probability, bits, reward = tensors()
    layer = ReinforceLoss(reward_weight=0.7, entropy_weight=0.3)
    layer.baseline.assign(-0.4)
    prediction = np.ones((5, 3), "float32")
    same(numpy(layer(prediction, log_probability, bits, reward, training=True)), prediction)
    wanted = np.mean(
        [-sum(0.7 * (reward[n] + 0.4) * log_probability[n, t] + 0.3 * bits[n, t] for t in range(2)) for n in range(5)]
    )
    (loss,) = layer.losses
    same(float(loss), float(wanted), 1e-5)
    same(float(layer.baseline), 0.9 * -0.4 + 0.1 * float(reward.mean()), 1e-6)


def test_the_baseline_is_the_moving_average_of_the_rewards_before():
    layer, wanted = ReinforceLoss(), 0.0
    for step in range(5):
        log_probability, bits, reward = tensors()
        before = wanted
        with tf.GradientTape() as tape:
            log_probability = tf.constant(log_probability)
            tape.watch(log_probability)
            layer(reward, log_probability, bits, reward + step, training=True)
            loss = sum(layer.losses)
        slopes = numpy(tape.gradient(loss, log_probability))
        same(slopes, np.repeat((before - reward - step)[:, None] / 5, 2, 1), 1e-5)
        wanted = 0.9 * wanted + 0.1 * float((reward + step).mean())
        same(float(layer.baseline), wanted, 1e-5)


@pytest.mark.parametrize("training", [False, None])
def test_outside_training_nothing_is_added_and_the_baseline_stays(training):
    log_probability, bits, reward = tensors()
    layer = ReinforceLoss()
    layer(reward, log_probability, bits, reward, training=training)
    assert not layer.losses
    assert float(layer.baseline) == 0


def test_the_reward_is_never_differentiated():
    log_probability, bits, reward = tensors()
    layer = ReinforceLoss()
    with tf.GradientTape() as tape:
        reward = tf.constant(reward)
        tape.watch(reward)
        layer(bits, log_probability, bits, reward, training=True)
        loss = sum(layer.losses)
    assert tape.gradient(loss, reward) is None


@pytest.mark.parametrize("length", [None, 2])
def test_rewards_that_do_not_count_teach_nothing(length):
    log_probability, bits, reward = tensors()
    mask = np.array([True, True, False, True, False])
    if length:
        reward = np.random.default_rng(4).normal(size=(5, 2)).astype("float32")
        mask = np.array([[True, True], [True, False], [False, False], [True, True], [True, False]])
    layer = ReinforceLoss(entropy_weight=0.5)
    layer.baseline.assign(0.3)
    layer(bits, log_probability, bits, reward, mask, training=True)
    each, counts = (np.broadcast_to(array.reshape(5, -1), (5, 2)) for array in (reward, mask))
    wanted = -np.where(counts, (each - 0.3) * log_probability + 0.5 * bits, 0).sum(1).mean()
    same(float(layer.losses[0]), float(wanted), 1e-5)
    same(float(layer.baseline), float(0.9 * 0.3 + 0.1 * reward[mask].mean()), 1e-5)
    layer(bits, log_probability, bits, reward, mask & False, training=True)
    assert float(layer.losses[-1]) == 0
    same(float(layer.baseline), float(0.9 * 0.3 + 0.1 * reward[mask].mean()), 1e-5)


KEYS = 5


def lookup():
    """Find the value beside the key that is asked for: a model that trains with plain Keras, and one that serves."""
    key, value = (keras.Input((KEYS,), dtype="int32", name=name) for name in ("key", "value"))
    query, label = keras.Input((1,), dtype="int32", name="query"), keras.Input((), dtype="int32", name="label")
    keys, values = layers.Embedding(7, 16), layers.Embedding(7, 16)
    attention = HardAttention(AdditiveScoring(16), seed=1)
    context, log_probability, bits = attention(keys(query), values(value), keys(key), return_log_probability=True)
    logits = layers.Dense(7, dtype="float32")(layers.Flatten()(context))
    reward = -ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
    told = ReinforceLoss(name="reinforce")(logits, log_probability, bits, reward)
    asked = {"key": key, "value": value, "query": query}
    return keras.Model({**asked, "label": label}, told), keras.Model(asked, logits)


def examples(count, seed):
    random = np.random.default_rng(seed)
    key = random.permuted(np.tile(np.arange(7), (count, 1)), axis=1)[:, :KEYS].astype("int32")
    value = random.integers(0, 7, (count, KEYS), dtype="int32")
    place = random.integers(0, KEYS, count)
    rows = np.arange(count)
    return {"key": key, "value": value, "query": key[rows, place][:, None], "label": value[rows, place]}


def fitted(training, count, epochs):
    told = examples(count, 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    entropy = keras.metrics.SparseCategoricalCrossentropy(name="entropy", from_logits=True)
    training.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy", entropy], jit_compile=False)
    return training.fit(told, told["label"], batch_size=64, epochs=epochs, verbose=0).history


def test_in_mixed_precision_prediction_and_baseline_stay_as_wide_as_they_are():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        training, _ = lookup()
    finally:
        keras.config.set_dtype_policy(before)
    assert training.output.dtype == "float32"
    history = fitted(training, 320, 1)
    assert np.isfinite(history["loss"]).all()
    baseline = training.get_layer("reinforce").baseline
    assert baseline.dtype == "float32"
    assert float(baseline) < -0.1


def test_a_plain_functional_model_learns_by_compile_and_fit(tmp_path):
    keras.utils.set_random_seed(1)
    training, serving = lookup()
    history, fresh = fitted(training, 6400, 4), examples(500, 2)
    assert history["accuracy"][-1] > history["accuracy"][0] + 0.1
    scores = training.evaluate(fresh, fresh["label"], verbose=0, return_dict=True)
    assert scores["accuracy"] > 0.95
    same(scores["loss"], scores["entropy"], 1e-4)  # nothing is added
    assert float(training.get_layer("reinforce").baseline) < -0.001
    training.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    same(numpy(again(fresh)), numpy(training(fresh)))
    same(float(again.get_layer("reinforce").baseline), float(training.get_layer("reinforce").baseline))
    label = fresh.pop("label")
    assert (serving.predict(fresh, verbose=0).argmax(-1) == label).mean() > 0.95


def test_its_configuration_comes_back():
    layer = ReinforceLoss(0.1, 0.2, 0.3, name="mine")
    assert ReinforceLoss.from_config(layer.get_config()).get_config() == layer.get_config()


def test_mistakes():
    with pytest.raises(ValueError, match="momentum: expected a share from 0 to 1, got 2"):
        ReinforceLoss(momentum=2)
