"""Attention beside that of Keras, behind an ordinary Embedding, and in numbers that can be checked by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import KEY_LENGTHS, QUERY_LENGTHS, fill, ids, numpy, same
from keras import layers

from keras_attn.layers import AdditiveScoring, Attention

UNITS = 7


def inputs():
    random = np.random.default_rng(0)
    query, value, key = (random.normal(size=(2, length, UNITS)).astype("float32") for length in (3, 5, 5))
    return query, value, key, np.arange(5) < np.array(KEY_LENGTHS)[:, None]


def pair(project_key):
    """Ours with W = 1 and U = `project_key`, and Keras' with the same v."""
    query, value, key, _ = inputs()
    ours, theirs = Attention(AdditiveScoring(UNITS)), layers.AdditiveAttention()
    ours(query, value, key)
    theirs([query, value, key])
    v = np.random.default_rng(1).normal(size=UNITS)
    ours.scoring.project_query.set_weights([np.eye(UNITS)])
    ours.scoring.project_key.set_weights([project_key])
    ours.scoring.v.assign(v)
    theirs.set_weights([v])
    return ours, theirs


def test_with_projections_that_do_nothing_it_is_that_of_keras():
    ours, theirs = pair(np.eye(UNITS))
    query, value, key, mask = inputs()
    mine = ours(query, value, key, value_mask=mask, return_attention_scores=True)
    other = theirs([query, value, key], mask=[None, mask], return_attention_scores=True)
    same(numpy(mine), numpy(other), 1e-6)


def test_with_projections_it_is_another():
    ours, theirs = pair(2 * np.eye(UNITS))
    query, value, key, _ = inputs()
    assert abs(numpy(ours(query, value, key)) - numpy(theirs([query, value, key]))).max() > 0.01
    same(numpy(ours(query, value, key / 2)), numpy(theirs([query, value, key])), 1e-6)


def test_the_causal_mask_is_that_of_keras():
    ours, theirs = pair(np.eye(UNITS))
    query, value, _, _ = inputs()
    mine = ours(query, value, use_causal_mask=True, return_attention_scores=True)
    other = theirs([query, value], use_causal_mask=True, return_attention_scores=True)
    same(numpy(mine), numpy(other), 1e-6)


def test_every_mask_counts_on_its_own():
    query, value, key, mask = inputs()
    layer = Attention(AdditiveScoring(UNITS))

    def weights(**masks):
        return numpy(layer(query, value, key, **masks, return_attention_scores=True))[1]

    open_weights = weights()
    assert (open_weights > 0).all()
    wanted = (open_weights > 0) & mask[:, None]
    for masks in ({"value_mask": mask}, {"key_mask": mask}, {"attention_mask": np.repeat(mask[:, None], 3, 1)}):
        assert ((weights(**masks) > 0) == wanted).all()
    query_mask = np.arange(3) < np.array(QUERY_LENGTHS)[:, None]
    assert ((weights(query_mask=query_mask) > 0) == query_mask[:, :, None]).all()
    both = weights(value_mask=mask, key_mask=mask[::-1], query_mask=query_mask)
    assert ((both > 0) == (mask & mask[::-1])[:, None] & query_mask[:, :, None]).all()


# Keras' hidden masks


def embedded():
    """An ordinary functional model: Embedding(mask_zero=True), then attention; and its parts."""
    query, value = (keras.Input((None,), dtype="int32") for _ in range(2))
    embed = layers.Embedding(23, 11, mask_zero=True)
    attention = Attention(AdditiveScoring(UNITS))
    outputs = attention(embed(query), embed(value), return_attention_scores=True)
    model = keras.Model([query, value], outputs)
    fill(model.weights)
    return model, embed, attention


def test_hidden_masks_and_explicit_masks_agree():
    model, embed, attention = embedded()
    query, value = ids(1, 23, QUERY_LENGTHS), ids(2, 23, KEY_LENGTHS)
    plain = [embed.embeddings[...].numpy()[given] for given in (query, value)]  # arrays carry no hidden mask
    masks = {"query_mask": query != 0, "value_mask": value != 0}
    explicit = numpy(attention(*plain, **masks, return_attention_scores=True))
    hidden = numpy(model([query, value]))
    same(list(hidden), list(explicit), 1e-6)
    assert ((hidden[1] > 0) == (query != 0)[:, :, None] & (value != 0)[:, None]).all()
    unmasked = numpy(attention(*plain))
    assert abs(hidden[0] - unmasked).max() > 0.01


def test_the_context_keeps_the_hidden_mask_of_the_query():
    query = ids(1, 23, QUERY_LENGTHS)
    embed, attention = layers.Embedding(23, 11, mask_zero=True), Attention(AdditiveScoring(UNITS))
    context = attention(embed(query), embed(ids(2, 23, KEY_LENGTHS)))
    assert (numpy(keras.src.backend.get_keras_mask(context)) == (query != 0)).all()


# Numbers


def test_golden():
    """Queries 0.1, 0.2; values 1, 2 ... 6; W, U and v 0.1, 0.2 ...: small enough to be written out."""
    layer = Attention(AdditiveScoring(2, dtype="float64"), dtype="float64")
    query = np.array([[[1.0], [2.0]]]) / 10
    value = np.arange(1.0, 7).reshape(1, 3, 2)
    layer(query, value)
    layer.scoring.project_query.set_weights([np.array([[0.1, 0.2]])])
    layer.scoring.project_key.set_weights([np.array([[0.1, 0.2], [0.3, 0.4]])])
    layer.scoring.v.assign([0.1, 0.2])
    context, weights = numpy(layer(query, value, return_attention_scores=True))
    by_hand = []
    for q in (0.1, 0.2):
        scores = [
            0.1 * np.tanh(0.1 * q + 0.1 * a + 0.3 * b) + 0.2 * np.tanh(0.2 * q + 0.2 * a + 0.4 * b)
            for a, b in ((1, 2), (3, 4), (5, 6))
        ]
        by_hand.append(np.exp(scores) / np.exp(scores).sum())
    same(weights[0], np.array(by_hand), 1e-12)
    same(np.round(context, 6), np.array([[[3.054491, 4.054491], [3.053072, 4.053072]]]))


# Mistakes


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("query", (2, 7), r"`query` must have shape \(batch, query_length, query_features\).*\(2, 7\)"),
        ("value", (2, 3, 5, 7), r"`value` must have shape \(batch, key_length, features\).*\(2, 3, 5, 7\)"),
        ("key", (5,), r"`key` must have shape \(batch, key_length, key_features\).*\(5,\)"),
    ],
)
@pytest.mark.parametrize("built", [False, True])
def test_a_wrong_rank_names_the_argument(name, shape, message, built):
    given = {"query": np.zeros((2, 3, 7)), "value": np.zeros((2, 5, 7)), "key": np.zeros((2, 5, 7))}
    layer = Attention(AdditiveScoring(UNITS))
    if built:
        layer(**given)
    with pytest.raises(ValueError, match=message):
        layer(**{**given, name: np.zeros(shape)})


def test_units_are_at_least_one():
    with pytest.raises(ValueError, match="`units` must be at least 1; it came as 0"):
        AdditiveScoring(0)


# The scoring


def test_both_projections_start_with_numbers_of_their_own():
    layer = Attention(AdditiveScoring(UNITS, keras.initializers.RandomNormal(stddev=0.001)))
    layer(np.zeros((2, 3, 5)), np.zeros((2, 5, 5)))
    first, second = layer.scoring.project_query.get_weights()[0], layer.scoring.project_key.get_weights()[0]
    assert first.shape == second.shape
    assert (first != second).all()
    assert 0 < first.std() < 0.002


def test_a_projection_can_be_shared():
    first = AdditiveScoring(UNITS)
    second = AdditiveScoring(UNITS, project_key=first.project_key)
    query, value, key, _ = inputs()
    one, other = Attention(first), Attention(second)
    one(query, value, key)
    other(query, value, key)
    assert second.project_key is first.project_key
    assert len({id(weight) for weight in one.weights + other.weights}) == 5


def test_the_initializer_is_in_the_configuration():
    scoring = AdditiveScoring(UNITS, keras.initializers.RandomNormal(stddev=0.001, seed=3))
    again = AdditiveScoring.from_config(scoring.get_config())
    assert again.kernel_initializer.stddev == 0.001
    assert again.get_config() == scoring.get_config()
