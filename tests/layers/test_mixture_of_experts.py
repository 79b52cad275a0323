"""Attention over experts: against a loop over its equations, and that it learns whom to listen to."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import fill, numpy, same
from keras import layers

from keras_attn.layers import ExpertAttention

BATCH, LENGTH, INPUTS, QUERY, FEATURES, UNITS, EXPERTS = 2, 3, 5, 7, 11, 13, 3
POLICIES = pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])


def experts(policy="float32"):
    return [layers.Dense(FEATURES, activation=name, dtype=policy) for name in ("tanh", "relu", None)]


def softmax(scores):
    parts = np.exp(scores - np.max(scores))
    return parts / parts.sum()


def loop(layer, inputs, query, listening):
    """Mixture and weights, one position and one expert after the other."""
    w, v = np.asarray(layer.project_query.kernel), np.asarray(layer.v)
    mixed, weights = np.zeros((*inputs.shape[:-1], FEATURES)), np.zeros((*inputs.shape[:-1], EXPERTS))
    acts = (np.tanh, lambda x: np.maximum(x, 0), lambda x: x)
    for index in np.ndindex(inputs.shape[:-1]):
        outputs = [
            act(inputs[index] @ np.asarray(expert.kernel) + np.asarray(expert.bias))
            for act, expert in zip(acts, layer.experts, strict=True)
        ]
        if layer.keys == "outputs":
            keys = [output @ np.asarray(layer.project_key.kernel) for output in outputs]
        else:
            keys = list(np.asarray(layer.key))
        heard = [i for i in range(EXPERTS) if listening[index][i]]
        if heard:
            p = softmax(np.array([v @ np.tanh(query[index] @ w + keys[i]) for i in heard]))
            mixed[index] = sum(p[n] * outputs[i] for n, i in enumerate(heard))
            weights[index][heard] = p
    return mixed, weights


@pytest.mark.parametrize("keys", ["outputs", "learned"])
@pytest.mark.parametrize("leading", [(BATCH,), (BATCH, LENGTH), (BATCH, LENGTH, 2)])
@POLICIES
def test_against_a_loop(policy, tolerance, leading, keys):
    random = np.random.default_rng(1)
    inputs, query = (random.normal(size=(*leading, size)).astype(policy) for size in (INPUTS, QUERY))
    listening = random.random((*leading, EXPERTS)) < 0.7
    listening[-1] = False
    layer = ExpertAttention(experts(policy), UNITS, keys=keys, dtype=policy)
    layer(inputs, query)
    fill(layer.weights)
    found = layer(inputs, query, expert_mask=listening, return_attention_scores=True)
    same(numpy(found), loop(layer, inputs, query, listening), tolerance)
    same(numpy(layer(inputs, query)), loop(layer, inputs, query, np.ones_like(listening))[0], tolerance)


def test_the_input_is_the_query_if_there_is_no_other():
    inputs = np.random.default_rng(1).normal(size=(BATCH, LENGTH, INPUTS)).astype("float32")
    layer = ExpertAttention(experts(), UNITS)
    same(numpy(layer(inputs)), numpy(layer(inputs, inputs)))


def test_hidden_masks_count_beside_a_mask_of_experts():
    tokens, all_of_them = np.array([[1, 2, 0], [3, 0, 0]]), np.ones((2, 3, EXPERTS), "bool")
    read = layers.Embedding(4, INPUTS, mask_zero=True)(tokens)
    mixed = numpy(ExpertAttention(experts(), UNITS)(read, expert_mask=all_of_them))
    assert ((mixed != 0).any(-1) == (tokens != 0)).all()


def test_it_learns_which_expert_is_right_where():
    random = np.random.default_rng(1)
    inputs = random.normal(size=(1024, 2)).astype("float32")
    right = (inputs[:, 0] > 0).astype("float32")
    labels = np.where(right, inputs[:, 1], -inputs[:, 1])[:, None]
    same_sign, other_sign = (layers.Dense(1, use_bias=False, trainable=False) for _ in range(2))
    keras.utils.set_random_seed(1)
    given = keras.Input((2,))
    mixed, weights = ExpertAttention([same_sign, other_sign], 16, keys="learned")(given, return_attention_scores=True)
    same_sign.set_weights([np.array([[0.0], [1.0]])])
    other_sign.set_weights([np.array([[0.0], [-1.0]])])
    model = keras.Model(given, mixed)
    model.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=False)
    model.fit(inputs, labels, batch_size=128, epochs=15, verbose=0)
    share = numpy(keras.Model(given, weights)(inputs))[:, 0]
    clear = abs(inputs[:, 0]) > 0.3
    assert ((share > 0.5) == (right > 0))[clear].all()


def test_experts_that_read_a_sequence_to_its_end():
    tokens = np.array([[1, 2, 0], [3, 0, 0]])
    given = keras.Input((3,), dtype="int32")
    read = layers.Embedding(4, INPUTS, mask_zero=True)(given)
    networks = [layers.SimpleRNN(FEATURES), layers.SimpleRNN(FEATURES)]
    mixed, weights = ExpertAttention(networks, UNITS)(
        read, layers.Flatten()(layers.Embedding(4, QUERY)(given)), return_attention_scores=True
    )
    assert mixed.shape == (None, FEATURES)
    assert weights.shape == (None, 2)
    assert getattr(mixed, "_keras_mask", None) is None
    mixed, _ = numpy(keras.Model(given, [mixed, weights])(tokens))
    assert mixed.shape == (2, FEATURES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExpertAttention([layers.Dense(3)]), "experts: expected at least two layers, got 1"),
        (lambda: ExpertAttention(experts(), 0), "units: expected at least 1, got 0"),
        (lambda: ExpertAttention(experts(), keys="mine"), "keys: expected 'outputs' or 'learned', got 'mine'"),
        (
            lambda: ExpertAttention([layers.Dense(3), layers.Dense(4)])(np.zeros((2, 5))),
            "`experts` must give outputs of one shape",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
