"""Positions beside the formulas of their papers."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import (
    ALiBi,
    LearnedPositions,
    MultiHeadAttention,
    RelativePositions,
    RotaryPositions,
    SinePositions,
    T5Bias,
)
from keras_attn.ops import buckets, rotate, sine, slopes

HEADS, HEAD_DIM, VALUE_DIM = 7, 6, 5
X = np.random.default_rng(0).normal(size=(2, 11, 13))


# Added to embeddings


def test_sine_is_the_formula():
    """PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d)): Vaswani et al. 2017, 3.5."""
    for features in (8, 13):
        wanted = np.zeros((31, features))
        for pos, i in np.ndindex(31, features):
            angle = pos / 10000 ** (2 * (i // 2) / features)
            wanted[pos, i] = math.cos(angle) if i % 2 else math.sin(angle)
        same(numpy(sine(np.arange(31), features)), wanted.astype("float32"), 1e-5)
        same(numpy(sine(np.arange(31), features, dtype="float64")), wanted, 1e-12)


def test_sine_of_a_position_ahead_is_a_rotation_of_it():
    """What the paper says of it: PE(pos + k) is the same linear function of PE(pos) for every pos."""
    waves = numpy(sine(np.arange(40), 8, dtype="float64"))
    turn = np.linalg.lstsq(waves[:30], waves[7:37], rcond=None)[0]
    same(waves[:30] @ turn, waves[7:37], 1e-9)


def added():
    learned = LearnedPositions(23)
    learned.build((None, None, 13))
    fill(learned.weights)
    return {"sine": SinePositions(100.0), "learned": learned}


@pytest.mark.parametrize("kind", ["sine", "learned"])
def test_tokens_in_pieces_get_the_positions_of_the_whole(kind):
    layer, x = added()[kind], X.astype("float32")
    whole = numpy(layer(x))
    pieces = [layer(x[:, :4]), layer(x[:, 4:5], position=4), layer(x[:, 5:], position=tf.constant(5))]
    same(np.concatenate(list(map(numpy, pieces)), 1), whole, 1e-6)
    assert (abs(np.diff(whole - x, axis=1)).max((0, 2)) > 1e-2).all()  # no two places are alike
    same((whole - x)[0], (whole - x)[1], 1e-6)  # and all examples have the same


def test_learned_positions_are_rows_of_the_table():
    layer = added()["learned"]
    same(numpy(layer(np.zeros((2, 5, 13), "float32"), position=3))[1], numpy(layer.embeddings)[3:8])


def test_sine_passes_through_narrow_floats_at_far_positions():
    """Position 4,097 is no number of float16 or bfloat16; its waves are."""
    wanted = numpy(sine(np.arange(4096, 4099), 8))
    for policy, tolerance in (("float16", 1e-3), ("bfloat16", 1e-2)):
        found = numpy(SinePositions(dtype=policy)(np.zeros((1, 3, 8)), position=4096))[0]
        np.testing.assert_allclose(found.astype("float32"), wanted, atol=tolerance)


@pytest.mark.parametrize(("length", "position"), [(24, 0), (4, 20)])
def test_a_place_that_was_not_learned(length, position):
    layer = added()["learned"]
    message = f"`x` must end before position 23, .* {length} tokens from position {position}.*larger `length`"
    with pytest.raises(ValueError, match=message):
        layer(np.zeros((1, length, 13)), position=position)
    with pytest.raises(ValueError, match="before position 23"):
        LearnedPositions(23).compute_output_spec(keras.KerasTensor((None, 24, 13)))


def test_masks_pass():
    for layer in added().values():
        assert layer.supports_masking


@pytest.mark.parametrize("layer", [SinePositions(), LearnedPositions(23)], ids=["sine", "learned"])
def test_a_wrong_rank_names_the_argument(layer):
    with pytest.raises(ValueError, match=r"`x` must have shape \(batch, .*\(2, 13\)"):
        layer(np.zeros((2, 13)))


# Inside attention


def attention(position, **options):
    layer = MultiHeadAttention(HEADS, HEAD_DIM, VALUE_DIM, position=position, dtype="float64", **options)
    layer(X, X)
    fill(layer.weights)
    return layer


def parts(layer, x=X):
    """Queries, keys and values of all heads, (batch, length, heads, width)."""

    def project(dense, width):
        projected = x @ numpy(dense.kernel) + (0 if dense.bias is None else numpy(dense.bias))
        return projected.reshape(*x.shape[:2], HEADS, width)

    return [
        project(layer.project_query, HEAD_DIM),
        project(layer.project_key, HEAD_DIM),
        project(layer.project_value, VALUE_DIM),
    ]


def check(layer, score, value, causal=False, tolerance=1e-10):
    """Compare with a loop: score(q, k, i, j, h) for numbers of head h, value(v, i, j) is what j gives to i."""
    query, key, values = parts(layer)
    length = X.shape[1]
    weights, context = np.zeros((2, HEADS, length, length)), np.zeros((2, length, HEADS, VALUE_DIM))
    for b, h, i in np.ndindex(2, HEADS, length):
        seen = range(i + 1 if causal else length)
        e = np.array([score(query[b, i, h], key[b, j, h], i, j, h) for j in seen])
        weights[b, h, i, : len(e)] = np.exp(e) / np.exp(e).sum()
        for j in seen:
            context[b, i, h] += weights[b, h, i, j] * value(values[b, j, h], i, j)
    dense = layer.project_output
    output = context.reshape(2, length, -1) @ numpy(dense.kernel) + numpy(dense.bias)
    found = layer(X, X, use_causal_mask=causal, return_attention_scores=True)
    same(numpy(found), (output, weights), tolerance)


def plain(v, i, j):
    return v


def turned(x, position, wavelength):
    """R_position x by Su et al. 2021, eq. 15: a matrix of 2 x 2 rotations."""
    matrix = np.zeros((len(x), len(x)))
    for pair in range(len(x) // 2):
        angle = position * wavelength ** (-2 * pair / len(x))
        cos, sin = math.cos(angle), math.sin(angle)
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = [[cos, -sin], [sin, cos]]
    return matrix @ x


def test_rotary_is_the_matrix_of_the_paper():
    layer = attention(RotaryPositions(wavelength=50.0))
    check(layer, lambda q, k, i, j, h: turned(q, i, 50.0) @ turned(k, j, 50.0) / math.sqrt(HEAD_DIM), plain)


def test_rotary_scores_depend_on_the_distance_only():
    random = np.random.default_rng(0)
    query, key = (np.tile(random.normal(size=(1, 1, 3, 8)), (1, 20, 1, 1)) for _ in range(2))
    query, key = (numpy(rotate(x, np.arange(20)))[0] for x in (query, key))
    scores = np.einsum("qhd,khd->hqk", query, key)
    for distance in range(-19, 20):
        along = np.diagonal(scores, distance, 1, 2)
        same(along, np.broadcast_to(along[:, :1], along.shape), 1e-12)
    assert len(np.unique(scores.round(9))) == 3 * 39  # and each distance has its own


def test_rotary_keeps_lengths():
    x = np.random.default_rng(0).normal(size=(2, 5, 3, 8))
    same(np.linalg.norm(numpy(rotate(x, np.arange(5))), axis=-1), np.linalg.norm(x, axis=-1), 1e-12)


def test_rotary_turns_pairs():
    layer = MultiHeadAttention(2, 3, position=RotaryPositions())
    with pytest.raises(ValueError, match="head_dim: expected an even number, as rotary positions turn pairs, got 3"):
        layer(X, X)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("values", [True, False])
def test_relative_positions_are_the_equations_of_shaw(values, causal):
    layer = attention(RelativePositions(3, values=values))
    of_keys = numpy(layer.position.key_embeddings)
    of_values = numpy(layer.position.value_embeddings) if values else np.zeros((7, VALUE_DIM))
    assert of_keys.shape == (7, HEAD_DIM)

    def a(table, i, j):
        return table[min(max(j - i, -3), 3) + 3]

    check(
        layer,
        lambda q, k, i, j, h: q @ (k + a(of_keys, i, j)) / math.sqrt(HEAD_DIM),
        lambda v, i, j: v + a(of_values, i, j),
        causal,
    )


def t5_bucket(relative_position, bidirectional, num_buckets, max_distance):
    """`_relative_position_bucket` of T5's code, for one number."""
    bucket = 0
    if bidirectional:
        num_buckets //= 2
        bucket += num_buckets * (relative_position > 0)
        relative_position = abs(relative_position)
    else:
        relative_position = -min(relative_position, 0)
    max_exact = num_buckets // 2
    if relative_position < max_exact:
        return bucket + relative_position
    large = math.log(relative_position / max_exact) / math.log(max_distance / max_exact) * (num_buckets - max_exact)
    return bucket + min(max_exact + int(large + 1e-9), num_buckets - 1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("count", "farthest"), [(32, 128), (8, 5), (16, 1000)])
def test_buckets_are_those_of_t5(count, farthest, bidirectional):
    found = buckets(count, farthest, bidirectional)
    distances = range(-farthest, farthest + 1)
    assert found.tolist() == [t5_bucket(d, bidirectional, count, farthest) for d in distances]
    assert found.max() == count - 1


@pytest.mark.parametrize("bidirectional", [True, False])
def test_t5_bias_is_added_by_bucket(bidirectional):
    layer = attention(T5Bias(8, 7, bidirectional))
    table = numpy(layer.position.embeddings)
    assert table.shape == (8, HEADS)

    def score(q, k, i, j, h):
        return q @ k / math.sqrt(HEAD_DIM) + table[t5_bucket(j - i, bidirectional, 8, 7), h]

    check(layer, score, plain, causal=not bidirectional)


def test_one_t5_bias_can_serve_two_layers():
    bias = T5Bias(8, 7)
    first, second = (MultiHeadAttention(HEADS, HEAD_DIM, position=bias) for _ in range(2))
    second(first(X, X), X)
    assert first.position is second.position
    assert len({id(weight) for weight in first.weights + second.weights}) == 2 * 7 + 1


def test_slopes_are_those_of_the_paper():
    assert slopes(8).tolist() == [2.0**-power for power in range(1, 9)]  # section 3
    same(slopes(16), 2.0 ** (-np.arange(1, 17) / 2), 1e-15)
    # Its code: of 8 all, then every other one of 16.
    same(slopes(12), np.array([2.0**-power for power in (*range(1, 9), 0.5, 1.5, 2.5, 3.5)]), 1e-15)
    assert [len(slopes(heads)) for heads in (1, 2, 3, 5, 7, 31)] == [1, 2, 3, 5, 7, 31]


@pytest.mark.parametrize("causal", [True, False])
def test_alibi_lowers_the_score_with_the_distance(causal):
    layer, m = attention(ALiBi()), slopes(HEADS)
    check(layer, lambda q, k, i, j, h: q @ k / math.sqrt(HEAD_DIM) - m[h] * abs(i - j), plain, causal)


KINDS = {
    "rotary": RotaryPositions,
    "relative": lambda: RelativePositions(3),
    "t5-bias": lambda: T5Bias(8, 7),
    "alibi": ALiBi,
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_far_away_in_bfloat16_neighbors_are_still_told_apart(make):
    """Position 4,097 is no number of bfloat16; what depends on differences must not see that."""
    x = np.random.default_rng(0).normal(size=(1, 9, 16)).astype("float32")
    layer = MultiHeadAttention(2, 8, position=make(), dtype="bfloat16")
    layer.build((None, None, 16), (None, None, 16))
    fill(layer.weights)
    (_, near), _ = layer.step(x, 0, return_attention_scores=True)
    (_, far), _ = layer.step(x, 4097, return_attention_scores=True)
    np.testing.assert_allclose(*(numpy(one).astype("float32") for one in (near, far)), atol=0.03)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LearnedPositions(0), "length: expected at least 1, got 0"),
        (lambda: RelativePositions(0), "limit: expected at least 1, got 0"),
        (lambda: T5Bias(30), "buckets: expected a multiple of 4, got 30"),
        (lambda: T5Bias(3, bidirectional=False), "buckets: expected a multiple of 2, got 3"),
        (lambda: T5Bias(32, 8), "farthest: expected more than 8, the buckets that hold one distance, got 8"),
    ],
)
def test_sizes_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()
