"""Each scoring layer against a loop over its equation, Keras' own attention, and PyTorch's tutorial."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import KEY_LENGTHS, fill, numpy, same
from keras import layers
from paper_decoder import softmax

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    ConcatScoring,
    CosineScoring,
    DotScoring,
    GeneralScoring,
    LocationScoring,
    ScaledDotScoring,
    TanhSumScoring,
    UnitVector,
)

BATCH, QUERIES, KEYS, WIDTH, FEATURES, HIDDEN = 2, 3, 5, 7, 11, 13
TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]


def query_matrix(scoring):
    return scoring.project_query.get_weights()[0]


def key_matrix(scoring):
    return scoring.project_key.get_weights()[0]


# Of one query and one key, with the layer's weights.
EQUATIONS = {
    AdditiveScoring: lambda layer, q, k: np.tanh(q @ query_matrix(layer) + k @ key_matrix(layer)) @ numpy(layer.v),
    # W over [q; k] side by side, as the paper prints it
    ConcatScoring: lambda layer, q, k: (
        np.tanh(np.concatenate([q, k]) @ np.concatenate([query_matrix(layer), key_matrix(layer)])) @ numpy(layer.v)
    ),
    TanhSumScoring: lambda layer, q, k: np.tanh(
        np.concatenate([q, k]) @ np.concatenate([query_matrix(layer), key_matrix(layer)])
        + layer.project_query.get_weights()[1]
    ).sum(),
    GeneralScoring: lambda layer, q, k: q @ key_matrix(layer).T @ k,
    DotScoring: lambda layer, q, k: q @ k,
    ScaledDotScoring: lambda layer, q, k: q @ k / np.sqrt(len(q)),
    CosineScoring: lambda layer, q, k: (
        np.exp(numpy(layer.log_beta)) * (q @ k) / (np.linalg.norm(q) * np.linalg.norm(k))
    ),
    LocationScoring: None,  # below: it is about places
}
SIZES = {
    AdditiveScoring: (HIDDEN,),
    ConcatScoring: (HIDDEN,),
    TanhSumScoring: (HIDDEN,),
    GeneralScoring: (WIDTH,),
    LocationScoring: (KEYS,),
}
one_width = pytest.mark.parametrize("kind", [DotScoring, ScaledDotScoring, CosineScoring])


def made(kind, dtype="float64", keys=KEYS):
    """A scoring with weights that are not small, with what it is asked."""
    layer = kind(*SIZES.get(kind, ()), dtype=dtype)
    random = np.random.default_rng(0)
    features = WIDTH if kind in (DotScoring, ScaledDotScoring, CosineScoring) else FEATURES
    query, key = random.normal(size=(BATCH, QUERIES, WIDTH)), random.normal(size=(BATCH, keys, features))
    query, key = query.astype(dtype), key.astype(dtype)
    layer(query, layer.project_key(key))
    fill(layer.weights)
    return layer, query, key


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("kind", [kind for kind, equation in EQUATIONS.items() if equation])
def test_each_pair_is_scored_by_the_equation(kind, dtype, tolerance):
    layer, query, key = made(kind, dtype)
    found = numpy(layer(query, layer.project_key(key)))
    assert found.shape == (BATCH, QUERIES, KEYS)
    for b, q, k in np.ndindex(found.shape):
        wanted = EQUATIONS[kind](layer, query[b, q].astype("float64"), key[b, k].astype("float64"))
        same(found[b, q, k].astype("float64"), wanted, tolerance)


def test_the_dot_product_is_that_of_keras():
    layer, query, key = made(DotScoring, "float32")
    mask = np.arange(KEYS) < np.array(KEY_LENGTHS)[:, None]
    mine = Attention(layer)(query, key, value_mask=mask, return_attention_scores=True)
    theirs = layers.Attention(use_scale=False)([query, key], mask=[None, mask], return_attention_scores=True)
    same(numpy(mine), numpy(theirs), 1e-6)


def test_the_scaled_dot_product_is_that_of_keras_heads():
    """One head with matrices that do nothing."""
    layer, query, key = made(ScaledDotScoring, "float32")
    theirs = layers.MultiHeadAttention(1, WIDTH, use_bias=False)
    theirs(query, key)
    theirs.set_weights([np.eye(WIDTH).reshape(weight.shape) for weight in theirs.get_weights()])
    mine = numpy(Attention(layer)(query, key, return_attention_scores=True))
    context, weights = numpy(theirs(query, key, return_attention_scores=True))
    same(list(mine), [context, weights[:, 0]], 1e-6)


def test_concat_is_additive_letter_by_letter():
    additive, query, key = made(AdditiveScoring)
    concat, _, _ = made(ConcatScoring)
    concat.set_weights(additive.get_weights())
    same(numpy(concat(query, concat.project_key(key))), numpy(additive(query, additive.project_key(key))))


def test_the_strength_of_the_cosine_starts_as_asked():
    layer = CosineScoring(20.0)
    one = np.ones((1, 1, 3), "float32")
    same(numpy(layer(one, layer.project_key(one))), np.array([[[20.0]]], "float32"), 1e-5)
    same(numpy(layer(one, layer.project_key(-5 * one))), np.array([[[-20.0]]], "float32"), 1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_zero_key_has_a_cosine_of_zero_and_ends_no_training(dtype):
    layer = CosineScoring(dtype=dtype)
    query, key = tf.ones((1, 1, 3), dtype), tf.zeros((1, 2, 3), dtype)
    with tf.GradientTape() as tape:
        tape.watch([query, key])
        scores = layer(query, layer.project_key(key))
        total = tf.reduce_sum(tf.cast(scores, "float32"))
    assert numpy(scores).tolist() == [[[0, 0]]]
    gradients = numpy(tape.gradient(total, [query, key, layer.log_beta.value]))
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert (gradients[1] == 0).all()


# PyTorch's tutorial: `attn = Linear(2 * hidden, max_length)`, softmax(attn([embedded; hidden])), read by places.


def tutorial(layer, query, values):
    """The weights over all places, and what is read; places past the end of the source hold zeros."""
    weight, bias = layer.project_query.get_weights()
    places = query @ weight + bias
    a = softmax(places, np.ones(len(places), bool))
    padded = np.concatenate([values, np.zeros((len(places) - len(values), values.shape[1]))])
    return a, a @ padded


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_location_over_a_source_of_the_longest_length_is_that_of_the_tutorial(dtype, tolerance):
    layer, query, key = made(LocationScoring, dtype)
    context, weights = numpy(Attention(layer, dtype=dtype)(query, key, return_attention_scores=True))
    for b, q in np.ndindex(BATCH, QUERIES):
        a, read = tutorial(layer, query[b, q].astype("float64"), key[b].astype("float64"))
        same(weights[b, q].astype("float64"), a, tolerance)
        same(context[b, q].astype("float64"), read, tolerance)


@pytest.mark.parametrize("masked", [False, True])
def test_over_a_shorter_source_the_places_that_have_a_word_share_what_the_tutorial_gives_to_zeros(masked):
    layer, query, key = made(LocationScoring, keys=KEYS if masked else 3)
    mask = np.arange(KEYS) < 3 if masked else np.ones(3, bool)
    mask = np.repeat(mask[None], BATCH, 0)
    _, weights = numpy(Attention(layer, dtype="float64")(query, key, value_mask=mask, return_attention_scores=True))
    for b, q in np.ndindex(BATCH, QUERIES):
        a, _ = tutorial(layer, query[b, q], key[b, :3])
        same(weights[b, q, :3], a[:3] / a[:3].sum(), 1e-12)
        assert (weights[b, q, 3:] == 0).all()


def test_location_never_asks_the_source():
    layer, query, key = made(LocationScoring)
    same(numpy(layer(query, key + 1)), numpy(layer(query, key)))


def test_a_source_of_more_places_than_there_are_scores_is_an_error_where_its_length_is_known():
    layer, query, _ = made(LocationScoring)
    longer = np.zeros((BATCH, 6, FEATURES))
    message = "expected `key` of at most 5 places .`max_length`., got 6; raise `max_length`, or choose a scoring that"
    with pytest.raises(ValueError, match=message):
        layer(query, longer)
    with pytest.raises(ValueError, match=message):
        tf.function(lambda: layer(query, longer))()


@pytest.mark.parametrize("window", [False, True])
def test_where_the_length_is_not_known_what_has_no_score_is_not_seen(window):
    from keras_attn.layers import LocalMonotonicWindow

    layer, query, key = made(LocationScoring, "float32")
    longer = np.concatenate([key, np.full((BATCH, 4, FEATURES), 9.0, "float32")], 1)
    attention = Attention(layer, window=LocalMonotonicWindow(1) if window else None)

    @tf.function(input_signature=[tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None,), tf.int32)])
    def read(source, position):
        return attention.read(query, source, source, query_position=position)

    first = np.arange(QUERIES, dtype="int32")
    same(numpy(read(longer, first)[0]), numpy(read(key, first)[0]), 1e-6)
    weights = numpy(read(longer, first)[1])
    assert (weights[..., KEYS:] == 0).all()
    same(weights.sum(-1), np.ones((BATCH, QUERIES), "float32"), 1e-6)
    if window:  # one that lies wholly behind the last place
        context, weights = numpy(read(longer, first + 7))
        assert not context.any()
        assert not weights.any()


# Mistakes


@one_width
@pytest.mark.parametrize("symbolic", [False, True])
def test_unequal_widths_name_the_shapes_and_a_way_out(kind, symbolic):
    shapes = (2, 3, 7), (2, 5, 11)
    given = [keras.Input(batch_shape=shape) if symbolic else np.zeros(shape) for shape in shapes]
    instead = "Dense layer" if kind is CosineScoring else "`GeneralScoring` has a matrix between the two"
    with pytest.raises(ValueError, match=rf"of one width, got query \(2, 3, 7\) and key \(2, 5, 11\); .*{instead}"):
        Attention(kind())(*given)


def test_general_wants_the_width_of_the_query():
    with pytest.raises(ValueError, match=r"query \(2, 3, 7\) and key \(2, 5, 11\); `units` must be the query's width"):
        Attention(GeneralScoring(11))(np.zeros((2, 3, 7)), np.zeros((2, 5, 13)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GeneralScoring(0), "`units` must be at least 1; it came as 0"),
        (lambda: TanhSumScoring(-1), "`units` must be at least 1; it came as -1"),
        (lambda: LocationScoring(0), "`max_length` must be at least 1; it came as 0"),
        (lambda: CosineScoring(0.0), "`strength` must be above 0; it came as 0"),
    ],
)
def test_sizes_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [*EQUATIONS, UnitVector])
def test_a_dtype_policy_that_came_as_an_object_is_in_the_configuration(kind):
    layer = kind(*SIZES.get(kind, ()), dtype=keras.DTypePolicy("mixed_bfloat16"))
    again = kind.from_config(layer.get_config())
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert again.get_config() == layer.get_config()
