"""Sparsemax, top-k and sigmoid beside their papers; the softmax stands in test_ops.py."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same
from scipy.optimize import brentq

from keras_attn.ops import sigmoid, softmax, sparsemax, top_k

TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]
WEIGHINGS = {
    "softmax": softmax,
    "sparsemax": sparsemax,
    "top_k": lambda scores, mask=None: top_k(scores, 2, mask),
    "sigmoid": sigmoid,
}
every_weighing = pytest.mark.parametrize("weigh", WEIGHINGS.values(), ids=WEIGHINGS)
every_type = pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])


def drawn(seed, *shape, size=2.0):
    return size * np.random.default_rng(seed).normal(size=shape)


# What all of them promise


@every_type
@every_weighing
def test_a_row_that_sees_nothing_is_zero_and_passes_no_gradient(weigh, dtype):
    scores = tf.cast(drawn(0, 2, 3, 5), dtype)
    mask = tf.constant([[[True, False, True, True, False]], [[False] * 5]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = weigh(scores, mask)
        total = tf.reduce_sum(weights * tf.cast(drawn(1, 2, 3, 5), dtype))
    assert weights.dtype == scores.dtype
    found, gradient = numpy(weights), numpy(tape.gradient(total, scores))
    assert np.isfinite(found).all()
    assert np.isfinite(gradient).all()
    hidden = ~np.broadcast_to(mask, (2, 3, 5))
    assert (found[hidden] == 0).all()
    assert (gradient[hidden] == 0).all()
    assert (found[0].max(-1) > 0).all()
    assert abs(gradient[0]).max() > 0


@every_weighing
def test_weights_over_what_may_be_seen_are_those_of_the_rest_left_out(weigh):
    scores = drawn(2, 1, 7, 5)
    masked = numpy(weigh(scores, np.array([[[True, True, False, True, False]]])))
    same(masked[..., [0, 1, 3]], numpy(weigh(scores[..., [0, 1, 3]])), 1e-12)
    assert (masked[..., [2, 4]] == 0).all()


@every_weighing
def test_no_mask_is_a_mask_that_hides_nothing(weigh):
    scores = drawn(3, 2, 7, 5)
    same(numpy(weigh(scores, np.ones((1, 1, 5), bool))), numpy(weigh(scores)), 1e-12)


@every_type
@every_weighing
def test_scores_that_are_no_numbers_do_no_harm_where_nobody_looks(weigh, dtype):
    scores = tf.cast([[1.0, np.nan, np.inf, -np.inf, 0.0]], dtype)
    mask = np.array([[True, False, False, False, True]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = weigh(scores, mask)
    same(numpy(weights)[:, [0, 4]], numpy(weigh(tf.cast([[1.0, 0.0]], dtype))), 1e-6)
    assert (numpy(weights)[:, 1:4] == 0).all()
    gradient = numpy(tape.gradient(weights, scores))
    assert np.isfinite(gradient).all()
    assert (gradient[:, 1:4] == 0).all()


@every_type
@every_weighing
def test_far_apart_scores_stay_numbers(weigh, dtype):
    top = 6e4 if dtype == "float16" else 1e30
    wanted = [[1, 0, 1, 0.2]] if weigh is sigmoid else [[0.5, 0, 0.5, 0]]  # 1 / (1 + exp(log 4))
    same(numpy(weigh(tf.cast([[top, -top, top, 0.0]], dtype))).astype("float64"), np.array(wanted), 1e-3)


@every_weighing
def test_16_bits_are_rounded_once_at_the_end(weigh):
    scores = tf.cast(drawn(4, 3, 11), "bfloat16")
    exact = numpy(weigh(tf.cast(scores, "float64")))
    found = numpy(weigh(scores))
    assert (abs(found - exact) <= 2.0**-8 * exact + 1e-7).all()


# Sparsemax


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_sparsemax_of_two_scores_is_a_ramp(dtype, tolerance):
    """Martins and Astudillo 2016, section 2.2: sparsemax_1([t, 0]) = clip((t + 1) / 2, 0, 1)."""
    t = np.linspace(-2, 2, 41).astype(dtype)
    ramp = np.clip((t + 1) / 2, 0, 1)
    same(numpy(sparsemax(np.stack([t, 0 * t], -1))), np.stack([ramp, 1 - ramp], -1), tolerance)


def nearest(z):
    """The nearest point of the simplex, by bisection on the threshold: sum max(z - t, 0) = 1."""
    threshold = brentq(lambda t: np.maximum(z - t, 0).sum() - 1, z.min() - 1, z.max(), xtol=1e-15)
    return np.maximum(z - threshold, 0)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
def test_sparsemax_is_the_nearest_point_of_the_simplex(dtype, tolerance, size):
    scores = drawn(5, 2, 11, 7, size=size).astype(dtype)
    wanted = np.apply_along_axis(nearest, -1, scores.astype("float64")).astype(dtype)
    found = numpy(sparsemax(scores))
    same(found, wanted, tolerance)
    assert ((found > 0) == (wanted > 1e-7)).all()


def test_no_other_corner_or_mixture_of_corners_is_nearer():
    scores = drawn(6, 5, 3)
    found = numpy(sparsemax(scores))
    grid = np.array([p for p in itertools.product(np.arange(21) / 20, repeat=3) if abs(sum(p) - 1) < 1e-9])
    for z, p in zip(scores, found, strict=True):
        assert ((grid - z) ** 2).sum(-1).min() >= ((p - z) ** 2).sum() - 1e-12


def test_the_jacobian_of_sparsemax_is_that_of_the_paper():
    """Eq. 9: Diag(s) - s s^T / |S|, with s = 1 on the support S."""
    for z in drawn(7, 7, 5):
        scores = tf.constant(z)
        with tf.GradientTape() as tape:
            tape.watch(scores)
            weights = sparsemax(scores[None])[0]
        s = (numpy(weights) > 0).astype("float64")
        same(numpy(tape.jacobian(weights, scores)), np.diag(s) - np.outer(s, s) / s.sum(), 1e-12)


def test_equal_scores_share():
    same(numpy(sparsemax(np.zeros((1, 7)))), np.full((1, 7), 1 / 7), 1e-15)
    same(numpy(sparsemax(np.array([[2.0, 2.0, 1.0, 1.0]]))), np.array([[0.5, 0.5, 0, 0]]), 1e-15)
    same(numpy(sparsemax(np.array([[1.0, 1.0, 0.75, 0.75]]))), np.array([[0.375, 0.375, 0.125, 0.125]]), 1e-15)


def test_a_score_of_minus_infinity_is_a_key_that_is_not_there():
    same(numpy(sparsemax(np.array([[0.25, -np.inf, 0.0, -np.inf]]))), np.array([[0.625, 0, 0.375, 0]]), 1e-15)


# Top-k


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("k", [1, 2, 5, 7, 11])
def test_top_k_is_the_softmax_over_the_k_best(k, dtype, tolerance):
    scores = drawn(8, 2, 3, 7).astype(dtype)
    wanted = np.zeros_like(scores)
    for b, q in np.ndindex(2, 3):
        best = np.argsort(-scores[b, q])[:k]
        wanted[b, q, best] = np.exp(scores[b, q, best]) / np.exp(scores[b, q, best]).sum()
    found = numpy(top_k(scores, k))
    same(found, wanted, tolerance)
    assert ((found > 0).sum(-1) == min(k, 7)).all()


def test_of_fewer_than_k_keys_that_may_be_seen_all_are_read():
    scores, mask = drawn(9, 1, 1, 5), np.array([[[False, True, False, True, False]]])
    same(numpy(top_k(scores, 3, mask)), numpy(softmax(scores, mask)), 1e-12)


def test_masked_keys_take_no_place_among_the_best():
    scores, mask = np.array([[9.0, 3.0, 8.0, 2.0, 1.0]]), np.array([[False, True, False, True, True]])
    assert (numpy(top_k(scores, 2, mask)) > 0).tolist() == [[False, True, False, True, False]]


def test_keys_as_good_as_the_kth_are_read_too():
    assert (
        numpy(top_k(np.array([[1.0, 2.0, 1.0, 0.0]]), 2)).tolist()
        == numpy(softmax(np.array([[1.0, 2.0, 1.0, 0.0]]), np.array([[True, True, True, False]]))).tolist()
    )


def test_what_is_not_read_gets_no_gradient():
    scores = tf.constant([[3.0, 1.0, 2.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total = tf.reduce_sum(top_k(scores, 2) * [[1.0, 2.0, 3.0, 4.0]])
    assert (numpy(tape.gradient(total, scores)) != 0).tolist() == [[True, False, True, False]]


# Sigmoid


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_sigmoid_weighs_each_key_on_its_own(dtype, tolerance):
    scores = drawn(10, 2, 3, 7).astype(dtype)
    mask = np.arange(7) < np.array([7, 4])[:, None, None]
    wanted = np.zeros((2, 3, 7), dtype)
    for b, q, k in np.ndindex(2, 3, 7):
        wanted[b, q, k] = mask[b, 0, k] / (1 + np.exp(-(scores[b, q, k] - np.log([7, 4][b]))))
    same(numpy(sigmoid(scores, mask)), wanted, tolerance)
    same(numpy(sigmoid(scores[:1])), wanted[:1], tolerance)


def test_scores_of_zero_sum_to_about_one():
    """n sigmoid(-log n) = n / (1 + n)."""
    for n in (1, 2, 11, 101):
        assert abs(float(numpy(sigmoid(np.zeros((1, n)))).sum()) - n / (1 + n)) < 1e-12
