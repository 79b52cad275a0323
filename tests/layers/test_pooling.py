"""Pooling beside loops over its equations, over words and sentences, behind an Embedding, and its penalization."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import fill, numpy, same
from keras import layers, ops

from keras_attn.layers import ContextVectorPooling, SelfAttentivePooling
from keras_attn.ops import redundancy

LENGTHS = np.array([5, 3, 0])  # the last one is empty
MASK = np.arange(5) < LENGTHS[:, None]
FEATURES, UNITS, ROWS = 7, 11, 3


def sequence(seed=0):
    return np.random.default_rng(seed).normal(size=(3, 5, FEATURES))


def self_attentive(dtype="float64", **options):
    layer = SelfAttentivePooling(ROWS, UNITS, dtype=dtype, **options)
    layer.build((None, None, FEATURES))
    fill(layer.weights)
    return layer


def context_vector(dtype="float64"):
    layer = ContextVectorPooling(UNITS, dtype=dtype)
    layer.build((None, None, FEATURES))
    fill(layer.weights)
    return layer


both_poolings = pytest.mark.parametrize("make", [self_attentive, context_vector])


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum()


# The equations, by loops


def by_loops_self_attentive(layer, h):
    """Equations 6 and 7 for one example of (length, features)."""
    first, second = (weight.T for weight in layer.get_weights())  # W_s1 (units, features), W_s2 (rows, units)
    scores = second @ np.tanh(first @ h.T)
    weights = np.array([softmax(row) for row in scores])
    return np.array([sum(a * h_t for a, h_t in zip(row, h, strict=True)) for row in weights]), weights


def by_loops_context_vector(layer, h):
    """Equations 5 to 7."""
    context, matrix, bias = layer.get_weights()
    weights = softmax(np.array([np.tanh(h_t @ matrix + bias) @ context[:, 0] for h_t in h]))
    return sum(a * h_t for a, h_t in zip(weights, h, strict=True)), weights[None]


LOOPS = {self_attentive: by_loops_self_attentive, context_vector: by_loops_context_vector}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
@both_poolings
def test_it_is_the_loop_of_the_paper(make, dtype, tolerance):
    layer, h = make(dtype), sequence()
    summary, weights = numpy(layer(h, mask=MASK, return_attention_scores=True))
    for index, length in enumerate(LENGTHS[:2]):
        wanted_summary, wanted_weights = LOOPS[make](make(), h[index, :length])
        same(summary[index], wanted_summary, tolerance)
        same(weights[index, :, :length], wanted_weights, tolerance)
        assert (weights[index, :, length:] == 0).all()
    same(numpy(layer(h, mask=MASK)), summary)


@both_poolings
def test_an_empty_example_gives_zeros(make):
    summary, weights = numpy(make("float16")(sequence(), mask=MASK, return_attention_scores=True))
    assert (summary[2] == 0).all()
    assert (weights[2] == 0).all()
    assert np.isfinite(summary).all()
    assert (summary[:2] != 0).any(-1).all()


@both_poolings
def test_the_order_of_positions_does_not_matter(make):
    layer, h, order = make(), sequence(), np.array([3, 0, 4, 1, 2])
    summary, weights = numpy(layer(h, mask=MASK, return_attention_scores=True))
    other, moved = numpy(layer(h[:, order], mask=MASK[:, order], return_attention_scores=True))
    same(other, summary, 1e-12)
    same(moved, weights[..., order], 1e-12)
    assert abs(moved - weights).max() > 0.01


# The penalization


def test_the_penalization_is_the_squared_distance_of_overlaps_to_the_identity():
    weights = np.array([[[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    # A A^T = [[1/2, 1/4], [1/4, 1/2]] for the first, the identity for the second.
    same(numpy(redundancy(weights)), np.array([2 * 0.5**2 + 2 * 0.25**2, 0.0]))


def test_it_enters_the_loss_as_a_mean_over_examples():
    h = sequence()[:2]
    layer = self_attentive(penalization=0.3)
    _, weights = numpy(layer(h, return_attention_scores=True))
    wanted = 0.3 * np.mean([((a @ a.T - np.eye(ROWS)) ** 2).sum() for a in weights])
    same(float(layer.losses[0]), wanted, 1e-6)
    model = keras.Sequential([keras.Input((5, FEATURES)), layer, layers.Flatten(), layers.Dense(1)])
    model.compile(loss="mse", jit_compile=False)
    with_it = model.evaluate(h, np.zeros(2), verbose=0)
    layer.penalization = 0.0
    model.compile(loss="mse", jit_compile=False)
    same(with_it - model.evaluate(h, np.zeros(2), verbose=0), wanted, 1e-5)
    assert not layer.losses


def test_descending_it_tells_rows_apart():
    h = sequence().astype("float32")[:2]
    layer = self_attentive("float32")
    first, second = layer.get_weights()
    layer.set_weights([first, second[:, :1] + 0.01 * second])  # three rows that look at nearly the same
    model = keras.Sequential([keras.Input((5, FEATURES)), layer])
    model.compile(keras.optimizers.Adam(0.05), loss=lambda _, summary: 0 * ops.sum(summary), jit_compile=False)
    before = model.evaluate(h, np.zeros((2, 1)), verbose=0)
    model.fit(np.tile(h, (100, 1, 1)), np.zeros((200, 1)), batch_size=2, shuffle=False, verbose=0)
    assert model.evaluate(h, np.zeros((2, 1)), verbose=0) < 0.2 * before
    _, weights = numpy(layer(h, return_attention_scores=True))
    assert all(len(set(row)) == ROWS for row in weights.argmax(-1))


# Words and sentences


def by_loops_document(document, mask, words, sentences):
    """The hierarchy for one document (sentences, words, features): only words and sentences that are there."""
    there = [
        by_loops_context_vector(words, h[may])[0] if may.any() else None for h, may in zip(document, mask, strict=True)
    ]
    return by_loops_context_vector(sentences, np.array([s for s in there if s is not None]))


def hierarchy():
    """Documents (2, sentences, words, features); the second has two sentences, and an empty one between them."""
    documents = np.random.default_rng(3).normal(size=(2, 3, 5, FEATURES))
    lengths = np.array([[5, 2, 4], [3, 0, 1]])
    return documents, np.arange(5) < lengths[..., None]


def test_words_pool_into_sentences_and_sentences_into_a_document():
    documents, mask = hierarchy()
    words, sentences = context_vector(), context_vector()
    sentences.set_weights([2 * weight for weight in sentences.get_weights()])
    inputs = {
        "words": keras.Input((None, None, FEATURES), dtype="float64", name="words"),
        "mask": keras.Input((None, None), dtype="bool", name="mask"),
    }
    summary, word_weights = words(inputs["words"], mask=inputs["mask"], return_attention_scores=True)
    there = ops.any(inputs["mask"], axis=-1)  # (batch, sentences)
    document, sentence_weights = sentences(summary, mask=there, return_attention_scores=True)
    model = keras.Model(inputs, [document, word_weights, sentence_weights])
    assert [tensor.shape for tensor in model.outputs] == [
        (None, FEATURES),
        (None, None, 1, None),
        (None, 1, None),
    ]
    document, word_weights, sentence_weights = numpy(model({"words": documents, "mask": mask}))
    for index in range(2):
        wanted, weights = by_loops_document(documents[index], mask[index], words, sentences)
        same(document[index], wanted, 1e-10)
        same(sentence_weights[index, 0, mask[index].any(-1)], weights[0], 1e-10)
    same(word_weights.sum(-1)[..., 0], mask.any(-1).astype("float64"), 1e-12)
    assert sentence_weights[1, 0, 1] == 0
    assert ((word_weights[:, :, 0] > 0) == mask).all()


def embedded(ids, readers=True):
    """An ordinary model over ids (batch, sentences, words), and its parts: hidden masks only."""
    ids_in = keras.Input((None, None), dtype="int32")
    embed = layers.Embedding(31, FEATURES, mask_zero=True)
    words, sentences = ContextVectorPooling(UNITS), ContextVectorPooling(UNITS)
    read = layers.GRU(FEATURES, return_sequences=True)
    summary = words(embed(ids_in))
    model = keras.Model(ids_in, [summary, sentences(read(summary) if readers else summary)])
    fill(model.weights)
    return model, embed, words, sentences, read


@pytest.mark.parametrize("readers", [False, True], ids=["plain", "with a GRU over sentences"])
def test_hidden_masks_pass_from_words_to_sentences(readers):
    ids = np.random.default_rng(4).integers(1, 31, (2, 3, 5)) * hierarchy()[1]
    model, embed, words, sentences, read = embedded(ids, readers)
    summary, document = numpy(model(ids))
    vectors = numpy(embed.embeddings)[ids]  # an array carries no hidden mask
    wanted = numpy(words(vectors, mask=ids != 0))
    same(summary, wanted, 1e-6)
    there = (ids != 0).any(-1)
    steps = numpy(read(wanted, mask=there)) if readers else wanted
    same(document, numpy(sentences(steps, mask=there)), 1e-6)
    # What stands in the padding makes no difference, and a sentence without words is none.
    assert (summary[1, 1] == 0).all()
    shorter = np.stack([ids[1, 0], ids[1, 2]])[None]
    same(numpy(model(shorter))[1][0], document[1], 1e-6)


def test_the_summary_of_a_sequence_carries_no_mask():
    embed = layers.Embedding(31, FEATURES, mask_zero=True)
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    for layer in (ContextVectorPooling(UNITS), SelfAttentivePooling(ROWS, UNITS)):
        hidden = layer(embed(ids))
        assert getattr(hidden, "_keras_mask", None) is None
        same(numpy(hidden), numpy(layer(numpy(embed(ids)), mask=ids != 0)), 1e-6)


# Numbers


def test_golden():
    """h = 1, 2 ... 6 in tenths, weights 0.1, 0.2 ...: small enough to be written out."""
    h = np.arange(1.0, 7).reshape(1, 3, 2) / 10
    one = ContextVectorPooling(2, dtype="float64")
    one.build(h.shape)
    one.set_weights([np.array([[7.0], [8.0]]), np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.5, 0.6])])
    scores = [7 * np.tanh(0.1 * a + 0.3 * b + 0.5) + 8 * np.tanh(0.2 * a + 0.4 * b + 0.6) for a, b in h[0]]
    summary, weights = numpy(one(h, return_attention_scores=True))
    same(weights[0, 0], softmax(scores), 1e-12)
    same(np.round(summary, 6), np.array([[0.404585, 0.504585]]))


# Mistakes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfAttentivePooling(0, 3), "rows: expected at least 1, got 0"),
        (lambda: SelfAttentivePooling(3, 0), "units: expected at least 1, got 0"),
        (lambda: SelfAttentivePooling(3, 3, penalization=-1.0), r"penalization: expected at least 0, got -1\.0"),
        (lambda: ContextVectorPooling(-2), "units: expected at least 1, got -2"),
    ],
)
def test_a_setting_that_makes_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape"), [(ContextVectorPooling(3), (2, 7)), (SelfAttentivePooling(2, 3), (2, 3, 5, 7))]
)
def test_a_wrong_rank_names_the_argument(layer, shape):
    with pytest.raises(ValueError, match=r"`inputs` must have shape \(batch, key_length, features\)"):
        layer(np.zeros(shape))
