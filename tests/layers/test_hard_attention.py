"""Hard attention, by itself and as a weighing: against loops over its equations, and what is drawn how often."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import AdditiveScoring, Attention, DotScoring, HardAttention, StraightThroughWeighing

BATCH, QUERIES, KEYS, FEATURES, UNITS = 2, 3, 5, 7, 11
POLICIES = pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])


def drawn_arrays(dtype="float64"):
    random = np.random.default_rng(3)
    query, key, value = (random.normal(size=(BATCH, n, FEATURES)).astype(dtype) for n in (QUERIES, KEYS, KEYS))
    return {"query": query, "key": key, "value": value}


def softmax(scores):
    """Of one list of numbers."""
    parts = np.exp(scores - np.max(scores))
    return parts / parts.sum()


def loop(layer, query, key, value, visible):
    """Context, weights, log p(s | a) and H[s] of the best key, one query after the other (Xu et al. 2015, 4.1)."""
    w, u = (np.asarray(dense.kernel) for dense in (layer.scoring.project_query, layer.scoring.project_key))
    v = np.asarray(layer.scoring.v)
    context, weights = np.zeros((BATCH, QUERIES, FEATURES)), np.zeros((BATCH, QUERIES, KEYS))
    log_probability, entropy = np.zeros((BATCH, QUERIES)), np.zeros((BATCH, QUERIES))
    for b in range(BATCH):
        for q in range(QUERIES):
            seen = [k for k in range(KEYS) if visible[b, q, k]]
            if not seen:
                continue
            a = softmax(np.array([v @ np.tanh(query[b, q] @ w + key[b, k] @ u) for k in seen]))
            s = int(np.argmax(a))
            context[b, q] = value[b, seen[s]]
            weights[b, q, seen[s]] = 1
            log_probability[b, q] = np.log(a[s])
            entropy[b, q] = -(a * np.log(a)).sum()
    return context, weights, log_probability, entropy


def visible_pairs():
    visible = np.random.default_rng(4).random((BATCH, QUERIES, KEYS)) < 0.6
    visible[1, 2] = False
    return visible


@POLICIES
def test_hard_attention_against_a_loop(policy, tolerance):
    layer = HardAttention(AdditiveScoring(UNITS, dtype=policy), dtype=policy)
    arrays, visible = drawn_arrays(policy), visible_pairs()
    asked = {"attention_mask": visible, "return_attention_scores": True, "return_log_probability": True}
    layer(**arrays, **asked)
    fill(layer.weights)
    found = numpy(layer(**arrays, **asked))
    same(found, loop(layer, **arrays, visible=visible), tolerance)
    same(numpy(layer(**arrays, attention_mask=visible)), found[0])  # context alone
    everything = layer(**arrays, return_attention_scores=True, return_log_probability=True)
    same(numpy(everything), loop(layer, **arrays, visible=np.ones_like(visible)), tolerance)


def many(scores, copies=20_000, **options):
    """A layer that scores by product, with a query that makes these the scores of one query, and many draws of it."""
    scores = np.asarray(scores, "float32")
    keys = len(scores)
    layer = HardAttention(DotScoring(), seed=5, **options)
    value = np.broadcast_to(np.eye(keys, dtype="float32"), (copies, keys, keys))
    query = np.broadcast_to(scores, (copies, 1, keys))
    return layer, {"query": query, "value": value}


def test_in_training_keys_are_drawn_as_often_as_their_weights_say():
    layer, given = many([0.0, 1.0, -1.0, 0.5])
    context, weights, log_probability, entropy = numpy(
        layer(**given, return_attention_scores=True, return_log_probability=True, training=True)
    )
    a = softmax(np.array([0.0, 1.0, -1.0, 0.5]))
    assert set(np.unique(weights)) == {0, 1}
    assert (weights.sum(-1) == 1).all()
    error = np.sqrt(a * (1 - a) / len(weights))
    assert (abs(weights.mean((0, 1)) - a) < 4 * error).all()
    same(context, weights)  # values are unit vectors
    same(log_probability, np.log(a)[weights.argmax(-1)], 1e-5)
    same(entropy, np.full_like(entropy, -(a * np.log(a)).sum()), 1e-5)
    again = numpy(layer(**given, training=True))
    assert (again != context).any()


def test_the_same_seed_draws_the_same():
    first, second = (numpy(layer(**given, training=True)) for layer, given in (many([0.0, 0.5]), many([0.0, 0.5])))
    same(first, second)
    assert 0 < first[..., 0].mean() < 1


def test_what_is_masked_is_never_drawn():
    layer, given = many([0.0, 9.0, 0.0])
    mask = np.array([True, False, True])[None, None]
    _, weights = numpy(layer(**given, attention_mask=mask, return_attention_scores=True, training=True))
    assert (weights[..., 1] == 0).all()
    assert 0.45 < weights[..., 0].mean() < 0.55


def test_a_share_of_examples_reads_the_expectation():
    scores = [0.0, 1.0, -1.0]
    layer, given = many(scores, expected=0.5)
    _, weights, log_probability, _ = numpy(
        layer(**given, return_attention_scores=True, return_log_probability=True, training=True)
    )
    soft = weights.max(-1)[:, 0] < 1
    assert abs(soft.mean() - 0.5) < 4 * np.sqrt(0.25 / len(soft))
    a = softmax(np.array(scores))
    same(weights[soft][0, 0], a, 1e-5)
    same(log_probability[soft][0, 0], (a * np.log(a)).sum(), 1e-5)
    _, weights = numpy(layer(**given, return_attention_scores=True))
    assert set(np.unique(weights)) == {0, 1}


def gradients(layer, given, of, **options):
    query = tf.constant(given["query"])
    with tf.GradientTape() as tape:
        tape.watch(query)
        outputs = layer(**{**given, "query": query}, return_attention_scores=True, **options)
        target = tf.reduce_sum(outputs[of] * np.random.default_rng(6).normal(size=outputs[of].shape).astype("float32"))
    return outputs, tape.gradient(target, query)


def test_the_draw_passes_no_gradient_and_the_log_probability_does():
    layer, given = many([0.0, 1.0, -1.0], copies=7)
    options = {"return_log_probability": True, "training": True}
    for of in (0, 1):
        assert gradients(layer, given, of, **options)[1] is None
    outputs, gradient = gradients(layer, given, 2, **options)
    a = softmax(np.array([0.0, 1.0, -1.0]))
    factor = np.random.default_rng(6).normal(size=(7, 1))[..., None]
    # d log a_s / d e = onehot(s) - a; the query is e, as keys are unit vectors.
    same(numpy(gradient), (factor * (numpy(outputs[1]) - a)).astype("float32"), 1e-5)


def test_the_expectation_passes_its_gradient():
    layer, given = many([0.0, 1.0, -1.0], copies=7, expected=1.0)
    _, gradient = gradients(layer, given, 0, training=True)
    assert (abs(numpy(gradient)).max(-1) > 1e-3).all()
    # but its log-probability has none: sum_k a_k d log a_k = 0
    _, gradient = gradients(layer, given, 2, return_log_probability=True, training=True)
    assert abs(numpy(gradient)).max() < 1e-6


def scores_of(shape=(BATCH, QUERIES, KEYS), dtype="float32"):
    return np.random.default_rng(7).normal(size=shape).astype(dtype)


def straight_through(layer, scores, visible, training, probe):
    scores = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = layer(scores, visible, training=training)
        total = tf.reduce_sum(weights * probe)
    return numpy(weights), numpy(tape.gradient(total, scores))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_straight_through_is_one_hot_with_the_gradient_of_the_soft_sample(training, temperature):
    scores, visible = scores_of(dtype="float64"), visible_pairs()
    probe = np.random.default_rng(8).normal(size=scores.shape)
    layer = StraightThroughWeighing(temperature, seed=9, dtype="float64")
    weights, gradient = straight_through(layer, scores, visible, training, probe)
    uniform = numpy(keras.random.uniform(scores.shape, 1e-20, 1.0, dtype="float64", seed=keras.random.SeedGenerator(9)))
    noisy = scores - np.log(-np.log(uniform)) * training
    for b, q in np.ndindex(BATCH, QUERIES):
        seen = np.flatnonzero(visible[b, q])
        wanted, slope = np.zeros(KEYS), np.zeros(KEYS)
        if len(seen):
            wanted[seen[np.argmax(noisy[b, q, seen])]] = 1
            soft = softmax(noisy[b, q, seen] / temperature)
            # d (soft . probe) / d e_k = soft_k (probe_k - soft . probe) / temperature
            slope[seen] = soft * (probe[b, q, seen] - soft @ probe[b, q, seen]) / temperature
        assert (weights[b, q] == wanted).all()
        same(gradient[b, q], slope, 1e-10)


def test_straight_through_draws_as_often_as_the_softmax_says():
    scores = np.tile(np.array([0.0, 1.0, -1.0, 9.0], "float32"), (20_000, 1))
    visible = np.array([[True, True, True, False]])
    layer = StraightThroughWeighing(0.5, seed=1)  # the temperature changes the gradient and not the draw
    share = numpy(layer(scores, visible, training=True)).mean(0)
    a = np.append(softmax(scores[0, :3]), 0)
    assert (abs(share - a) <= 4 * np.sqrt(a * (1 - a) / len(scores))).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_straight_through_of_narrow_scores(dtype):
    layer = StraightThroughWeighing(dtype=dtype, seed=1)
    scores = tf.cast(tf.tile(scores_of()[:1], (1000, 1, 1)) * 50, dtype)
    for training in (False, True):
        weights = numpy(layer(scores, visible_pairs()[:1], training=training))
        assert set(np.unique(weights)) == {0, 1}


def test_straight_through_in_attention_teaches_the_scoring():
    layer = Attention(AdditiveScoring(UNITS), weighing=StraightThroughWeighing(seed=2))
    with tf.GradientTape() as tape:
        context, weights = layer(**drawn_arrays("float32"), return_attention_scores=True, training=True)
        total = tf.reduce_sum(context**2)
    assert set(np.unique(weights)) == {0, 1}
    for gradient in tape.gradient(total, layer.trainable_weights):
        assert abs(numpy(gradient)).max() > 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StraightThroughWeighing(0.0), "temperature: expected above 0, got 0.0"),
        (lambda: HardAttention(DotScoring(), expected=2), "expected: expected a share from 0 to 1, got 2"),
        (lambda: HardAttention(DotScoring())(np.zeros((2, 3)), np.zeros((2, 5, 3))), "`query` must have shape"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
