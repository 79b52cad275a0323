"""Local attention against loops over section 3.2 of Luong, Pham and Manning 2015."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same
from paper_decoder import sigmoid, softmax

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    AttentionCell,
    DotScoring,
    LocalMonotonicWindow,
    LocalPredictiveWindow,
    SigmoidWeighing,
    Unroll,
)

BATCH, QUERIES, KEYS, WIDTH, HIDDEN = 2, 3, 11, 7, 5
LENGTHS = (11, 6)
MASK = np.arange(KEYS) < np.array(LENGTHS)[:, None]
TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]


def made(kind, d, dtype="float64"):
    """Dot attention through a window, with what it is given."""
    more = (HIDDEN,) if kind is LocalPredictiveWindow else ()
    attention = Attention(DotScoring(dtype=dtype), window=kind(d, *more, dtype=dtype), dtype=dtype)
    random = np.random.default_rng(0)
    query, value = (random.normal(size=(BATCH, length, WIDTH)).astype(dtype) for length in (QUERIES, KEYS))
    attention(query, value)
    fill(attention.weights)
    return attention, query, value


def center(window, query, length, position):
    """p_t: t for local-m, S sigmoid(v_p^T tanh(W_p h_t)) for local-p (eq. 9)."""
    if isinstance(window, LocalMonotonicWindow):
        return position
    W_p, v_p = window.hidden.get_weights()[0].astype("float64"), numpy(window.v_p).astype("float64")
    return length * sigmoid(np.tanh(query @ W_p) @ v_p)


def local(window, query, value, length, position):
    """a_t(s) = align(h_t, h_s) exp(-(s - p_t)^2 / (2 sigma^2)) over s in [p_t - D, p_t + D] (eq. 7 and 10)."""
    d, p = window.width, center(window, query, length, position)
    inside = np.array([s < length and p - d <= s <= p + d for s in range(len(value))])
    a = softmax(value @ query, inside) if inside.any() else np.zeros(len(value))
    if isinstance(window, LocalPredictiveWindow):
        a = a * np.exp(-((np.arange(len(value)) - p) ** 2) / (2 * (d / 2) ** 2))
    return a @ value, a


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("kind", [LocalMonotonicWindow, LocalPredictiveWindow])
@pytest.mark.parametrize("masked", [False, True])
def test_local_attention_is_that_of_the_paper(kind, d, dtype, tolerance, masked):
    attention, query, value = made(kind, d, dtype)
    masks = {"value_mask": MASK} if masked else {}
    context, weights = numpy(attention(query, value, **masks, return_attention_scores=True))
    for b, q in np.ndindex(BATCH, QUERIES):
        given = (query[b, q].astype("float64"), value[b].astype("float64"), LENGTHS[b] if masked else KEYS)
        read, a = local(attention.window, *given, position=q)
        same(weights[b, q].astype("float64"), a, tolerance)
        same(context[b, q].astype("float64"), read, tolerance)


def test_predicted_centers_are_spread_over_each_sentence():
    """S is the number of words of each source, not the length of the batch."""
    attention, query, _ = made(LocalPredictiveWindow, 2)
    centers = numpy(attention.window(query, np.arange(QUERIES), np.array(LENGTHS)[:, None]))
    share = centers / np.array(LENGTHS)[:, None]
    assert ((share > 0) & (share < 1)).all()
    doubled = numpy(attention.window(query, np.arange(QUERIES), 2 * np.array(LENGTHS)[:, None]))
    same(doubled, 2 * centers, 1e-12)


@pytest.mark.parametrize("mask", ["query_mask", "value_mask", "attention_mask", "causal"])
def test_keys_are_counted_under_every_mask(mask):
    """S under a mask over queries alone is still the number of keys."""
    attention, query, value = made(LocalPredictiveWindow, 3)
    query_mask = np.array([[True, True, False], [True, True, True]])
    masks = {
        "query_mask": {"query_mask": query_mask},
        "value_mask": {"value_mask": MASK},
        "attention_mask": {"attention_mask": np.repeat(MASK[:, None], QUERIES, 1)},
        "causal": {"use_causal_mask": True},
    }[mask]
    _, weights = numpy(attention(query, value, **masks, return_attention_scores=True))
    for b, q in np.ndindex(BATCH, QUERIES):
        length = {"query_mask": KEYS, "causal": q + 1}.get(mask, LENGTHS[b])
        _, a = local(attention.window, query[b, q], value[b], length, q)
        same(weights[b, q], a * (mask != "query_mask" or query_mask[b, q]), 1e-10)


def test_past_the_end_of_the_source_a_monotonic_window_sees_nothing():
    attention, query, value = made(LocalMonotonicWindow, 2)
    position = np.array([KEYS + 1, KEYS + 2, KEYS + 500])  # the first still sees the last key
    context, weights = numpy(attention.read(query, value, value, query_position=position))
    assert (weights > 0).sum(-1).tolist() == [[1, 0, 0]] * 2
    assert not context[:, 1:].any()
    assert not weights[:, 1:].any()


def test_no_gradient_is_lost_to_a_window_that_sees_nothing():
    attention, query, value = made(LocalMonotonicWindow, 2)
    query = tf.constant(query)
    with tf.GradientTape() as tape:
        tape.watch(query)
        context, _ = attention.read(query, value, value, query_position=np.array([0, KEYS, KEYS + 5]))
    gradient = numpy(tape.gradient(context, query))
    assert np.isfinite(gradient).all()
    assert (abs(gradient).max(-1) > 0).tolist() == [[True, True, False]] * 2


def test_the_gaussian_is_what_teaches_the_center():
    attention, query, value = made(LocalPredictiveWindow, 2)
    with tf.GradientTape() as tape:
        context = attention(query, value)
    gradients = tape.gradient(context, [weight.value for weight in attention.window.trainable_weights])
    assert [abs(numpy(gradient)).max() > 1e-3 for gradient in gradients] == [True, True]


def test_numbers_of_queries_may_differ_between_examples():
    attention, query, value = made(LocalMonotonicWindow, 1)
    position = np.array([[0, 1, 2], [4, 6, 8]])
    _, weights = numpy(attention.read(query, value, value, query_position=position))
    for b, q in np.ndindex(BATCH, QUERIES):
        _, a = local(attention.window, query[b, q], value[b], KEYS, position[b, q])
        same(weights[b, q], a, 1e-10)


def test_another_weighing_competes_inside_the_window():
    """The sigmoid's n is what the window shows."""
    attention, query, value = made(LocalMonotonicWindow, 1)
    other = Attention(DotScoring(dtype="float64"), SigmoidWeighing(dtype="float64"), attention.window, dtype="float64")
    _, weights = numpy(other(query, value, return_attention_scores=True))
    scores = value[0] @ query[0, 1]
    same(weights[0, 1, :3], sigmoid(scores[:3] - np.log(3)), 1e-12)
    assert not weights[0, 1, 3:].any()


# In a decoder


def decoder(policy, window, keys, queries=3):
    """A cell that looks through a window, with a source of many words."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        cell = keras.layers.SimpleRNNCell(3, recurrent_initializer="glorot_uniform")
        unroll = Unroll(AttentionCell(cell, Attention(AdditiveScoring(5), window=window())))
    finally:
        keras.config.set_dtype_policy(before)
    random = np.random.default_rng(0)
    inputs, state, key, value = (
        random.normal(size=shape).astype("float32") for shape in ((1, queries, 7), (1, 3), (1, keys, 5), (1, keys, 7))
    )
    memory = {"key": key, "value": value, "mask": np.ones((1, keys), bool)}
    return lambda position: numpy(unroll(inputs, [state], memory, position=position)[0]["weights"])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("position", [0, 255, 256, 257, 2049, 4097])
def test_positions_are_exact_in_every_float_type(policy, position):
    """bfloat16 counts to 256, float16 to 2,048: the numbers of later tokens must not pass through them."""
    weights = decoder(policy, lambda: LocalMonotonicWindow(1), 4111)(position)
    for q in range(3):
        center = position + q
        wanted = [s for s in (center - 1, center, center + 1) if s >= 0]
        assert np.flatnonzero(weights[0, q]).tolist() == wanted


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_predicted_center_is_not_rounded_to_16_bits(policy):
    """Half of 4,003 keys is 2,001.5; float16 would make it 2,002 and bfloat16 2,000."""
    window = LocalPredictiveWindow(3, HIDDEN, dtype=policy)
    query = np.ones((1, 1, WIDTH), "float32")
    window(query, np.arange(1), np.array([[4003]]))
    window.v_p.assign(np.zeros(HIDDEN))
    same(numpy(window(query, np.arange(1), np.array([[4003]]))), np.array([[2001.5]], "float32"))


# Mistakes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalMonotonicWindow(0), "width: expected at least 1 key on each side, got 0"),
        (lambda: LocalPredictiveWindow(3, 0), "units: expected at least 1, got 0"),
    ],
)
def test_sizes_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float32", "float64"])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", [LocalMonotonicWindow, LocalPredictiveWindow])
def test_a_window_says_what_comes_out(kind, own, dtype):
    """Symbolic shape and dtype of the center, with positions for all and for each example."""
    window = kind(2, *((HIDDEN,) if kind is LocalPredictiveWindow else ()), dtype=dtype)
    shapes = ((2, 3, 7), (2, 3) if own else (3,), (2, 1))
    kinds = (window.compute_dtype, "int32", "int32")
    given = [keras.Input(batch_shape=shape, dtype=kind) for shape, kind in zip(shapes, kinds, strict=True)]
    symbol, center = window(*given), window(*(tf.ones(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)))
    assert (tuple(symbol.shape), symbol.dtype) == (tuple(center.shape), center.dtype.name)
