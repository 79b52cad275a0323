"""Weighings as parts of attention: which weights they make, and noise that is drawn ahead of a loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    AttentionCell,
    SigmoidWeighing,
    SoftmaxWeighing,
    SparsemaxWeighing,
    StraightThroughWeighing,
    TopKWeighing,
    Unroll,
)
from keras_attn.ops import sigmoid, softmax, sparsemax, straight_through, top_k

OPS = {
    SoftmaxWeighing: softmax,
    SparsemaxWeighing: sparsemax,
    TopKWeighing: lambda scores, mask: top_k(scores, 4, mask),
    SigmoidWeighing: sigmoid,
    StraightThroughWeighing: straight_through,
}
QUERIES, KEYS = 3, 7


def arrays():
    random = np.random.default_rng(0)
    query, value = (random.normal(size=(2, length, 5)).astype("float32") for length in (QUERIES, KEYS))
    return query, value, np.arange(KEYS) < np.array([7, 5])[:, None]


@pytest.mark.parametrize("kind", OPS)
def test_attention_weighs_as_it_is_told(kind):
    query, value, mask = arrays()
    attention = Attention(AdditiveScoring(11), kind())
    context, weights = numpy(attention(query, value, value_mask=mask, return_attention_scores=True))
    scores = attention.scoring(query, attention.scoring.project_key(value))
    wanted = numpy(OPS[kind](scores, mask[:, None]))
    same(weights, wanted, 1e-6)
    same(context, wanted @ value, 1e-6)


def test_softmax_is_what_there_is_without_another():
    query, value, _ = arrays()
    attention = Attention(AdditiveScoring(11))
    assert type(attention.weighing) is SoftmaxWeighing
    assert (numpy(attention(query, value, return_attention_scores=True)[1]) > 0).all()


@pytest.mark.parametrize("kind", OPS)
def test_a_weighing_alone_reads_a_mask_of_fewer_dimensions(kind):
    scores = np.random.default_rng(1).normal(size=(2, QUERIES, KEYS)).astype("float32")
    _, _, mask = arrays()
    same(numpy(kind()(scores, mask[:, None])), numpy(kind()(scores, np.repeat(mask[:, None], QUERIES, 1))))


@pytest.mark.parametrize("kind", OPS)
def test_a_dtype_policy_that_came_as_an_object_is_in_the_configuration(kind):
    layer = kind(dtype=keras.DTypePolicy("mixed_bfloat16"))
    again = kind.from_config(layer.get_config())
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert again.get_config() == layer.get_config()


def test_top_k_needs_one_key():
    with pytest.raises(ValueError, match="`k` must be at least 1; it came as 0"):
        TopKWeighing(0)


# Noise ahead of a loop


def test_noise_can_be_handed_in():
    scores = np.random.default_rng(2).normal(size=(2, QUERIES, KEYS)).astype("float32")
    noise = np.random.default_rng(3).gumbel(size=scores.shape).astype("float32")
    weights = numpy(StraightThroughWeighing()(scores, training=True, noise=noise))
    assert (weights.argmax(-1) == (scores + noise).argmax(-1)).all()
    assert (weights.argmax(-1) != scores.argmax(-1)).any()


def test_noise_drawn_ahead_is_the_noise_of_the_call():
    scores = np.random.default_rng(2).normal(size=(5, 11, KEYS)).astype("float32")
    ahead, inside = StraightThroughWeighing(seed=5), StraightThroughWeighing(seed=5)
    noise = ahead.noise(scores.shape, "float32")
    same(numpy(ahead(scores, training=True, noise=noise)), numpy(inside(scores, training=True)))


def test_a_weighing_without_noise_says_so():
    with pytest.raises(NotImplementedError, match="SoftmaxWeighing draws nothing"):
        SoftmaxWeighing().noise((1,), "float32")


def drawing(policy="float32", batch=64):
    """A decoder that reads one key at every step, over keys that score alike; every second example sees three."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        cell = keras.layers.SimpleRNNCell(3, recurrent_initializer="glorot_uniform")
        unroll = Unroll(AttentionCell(cell, Attention(AdditiveScoring(11), StraightThroughWeighing(seed=7))))
        random = np.random.default_rng(0)
        shapes = ((batch, 7, 5), (batch, 3), (batch, 4, 5))
        inputs, state, value = (random.normal(size=shape).astype("float32") for shape in shapes)
        mask = np.array([[True] * 4, [True, True, False, True]] * (batch // 2))
        memory = {"key": np.zeros((batch, 4, 11), "float32"), "value": value, "mask": mask}
        unroll(inputs, [state], memory)
        fill(unroll.weights)
    finally:
        keras.config.set_dtype_policy(before)
    return lambda training: numpy(unroll(inputs, [state], memory, training=training)[0]["weights"])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_decoder_draws_anew_at_every_step(policy):
    """Each key as often as its softmax says (here: all alike), masked ones never; another call, other keys."""
    read = drawing(policy)
    first, second = read(True), read(True)
    assert set(np.unique(first)) == {0, 1}
    assert (first.sum(-1) == 1).all()
    assert (first[1::2, :, 2] == 0).all()
    # Of 32 x 7 draws, a share of 1/4 has a deviation of 0.029, one of 1/3 of 0.031.
    same(first[::2].mean((0, 1)), np.full(4, 1 / 4, first.dtype), 0.1)
    same(first[1::2].mean((0, 1)), np.array([1, 1, 0, 1], first.dtype) / 3, 0.1)
    one, other = first.argmax(-1), second.argmax(-1)
    for again in (one[:, 1:] == one[:, :-1], one[1:] == one[:-1], one == other):  # steps, examples, calls
        assert 0.15 < again.mean() < 0.45  # by chance 0.25 to 0.33


def test_outside_of_training_a_decoder_reads_the_best():
    read = drawing(batch=2)
    assert (read(False).argmax(-1) == 0).all()  # the first of those that are alike
    same(read(False), read(None))


def test_the_draws_teach_the_scoring_inside_the_loop():
    unroll = Unroll(AttentionCell(keras.layers.GRUCell(3), Attention(AdditiveScoring(11), StraightThroughWeighing())))
    random = np.random.default_rng(0)
    inputs, state, key, value = (
        random.normal(size=shape).astype("float32") for shape in ((2, 3, 5), (2, 3), (2, 4, 11), (2, 4, 5))
    )
    memory = {"key": key, "value": value, "mask": np.ones((2, 4), bool)}
    unroll(inputs, [state], memory)
    fill(unroll.weights)
    with tf.GradientTape() as tape:
        parts, _ = unroll(inputs, [state], memory, training=True)
        total = tf.reduce_sum(parts["context"] ** 2)
    scoring = unroll.cell.attention.scoring
    assert abs(numpy(tape.gradient(total, scoring.v.value))).max() > 1e-4
