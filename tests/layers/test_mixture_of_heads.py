"""The mixture of attention heads: against a loop over its equations, against Keras, and what its router is told."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same

from keras_attn.layers import MixtureOfHeads
from keras_attn.ops import routing

BATCH, QUERIES, KEYS = 2, 3, 5
EXPERTS, ACTIVE, HEAD_DIM, VALUE_DIM = 7, 2, 11, 13
FEATURES, VALUE_FEATURES, KEY_FEATURES = 17, 19, 23
POLICIES = pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])


def arrays(dtype="float64"):
    random = np.random.default_rng(1)
    shapes = {
        "query": (BATCH, QUERIES, FEATURES),
        "value": (BATCH, KEYS, VALUE_FEATURES),
        "key": (BATCH, KEYS, KEY_FEATURES),
    }
    return {name: random.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def built(policy="float64", experts=EXPERTS, active=ACTIVE, **options):
    layer = MixtureOfHeads(experts, active, HEAD_DIM, value_dim=VALUE_DIM, dtype=policy, **options)
    layer(**arrays(policy))
    fill(layer.weights)
    return layer


def softmax(scores):
    parts = np.exp(scores - np.max(scores))
    return parts / parts.sum()


def pairs():
    visible = np.random.default_rng(2).random((BATCH, QUERIES, KEYS)) < 0.6
    visible[1, 2] = False
    return visible


def loop(layer, query, value, key, visible):
    """Output, weights and gates, one token and one expert after the other (Zhang et al. 2022, eq. 3-6)."""
    router, w_q, w_o = (np.asarray(w) for w in (layer.router, layer.query_kernel, layer.output_kernel))
    w_k, w_v = np.asarray(layer.project_key.kernel), np.asarray(layer.project_value.kernel)
    experts, active = layer.experts, layer.active
    output, weights = np.zeros(query.shape), np.zeros((BATCH, active, QUERIES, KEYS))
    gates = np.zeros((BATCH, QUERIES, experts))
    for b, t in np.ndindex(BATCH, QUERIES):
        p = softmax(query[b, t] @ router)
        chosen = np.argsort(-p)[:active]
        seen = [k for k in range(KEYS) if visible[b, t, k]]
        for place, i in enumerate(chosen):
            gates[b, t, i] = p[i] / p[chosen].sum()
            if not seen:
                continue
            scores = [(query[b, t] @ w_q[i]) @ (key[b, k] @ w_k) / np.sqrt(HEAD_DIM) for k in seen]
            a = softmax(np.array(scores))
            head = sum(a[n] * (value[b, k] @ w_v) for n, k in enumerate(seen))
            output[b, t] += gates[b, t, i] * head @ w_o[i]
            weights[b, place, t, seen] = a
    return output, weights, gates


ASKED = {"return_attention_scores": True, "return_gates": True}


@pytest.mark.parametrize("active", [1, 2, EXPERTS])
@POLICIES
def test_against_a_loop(policy, tolerance, active):
    layer, given, visible = built(policy, active=active), arrays(policy), pairs()
    found = numpy(layer(**given, attention_mask=visible, **ASKED))
    same(found, loop(layer, **given, visible=visible), tolerance)
    everything = numpy(layer(**given))
    same(everything, loop(layer, **given, visible=np.ones_like(visible))[0], tolerance)


def test_one_expert_is_one_head_of_keras():
    layer, given = built("float32", experts=1, active=1), arrays("float32")
    theirs = keras.layers.MultiHeadAttention(1, HEAD_DIM, VALUE_DIM, use_bias=False)
    theirs.build(*(given[name].shape for name in ("query", "value", "key")))
    w_k, w_v = layer.project_key.kernel, layer.project_value.kernel
    kernels = [layer.query_kernel[0][:, None], w_k[:, None], w_v[:, None], layer.output_kernel[0][None]]
    theirs.set_weights([numpy(tf.convert_to_tensor(kernel)) for kernel in kernels])
    asked = {"use_causal_mask": True, "return_attention_scores": True}
    same(numpy(layer(**given, **asked)), numpy(theirs(**given, **asked)), 1e-5)


def test_all_heads_with_equal_gates_are_those_of_keras_with_one_key_and_value():
    layer, given = built("float32", active=EXPERTS), arrays("float32")
    layer.router.assign(0 * layer.router)
    theirs = keras.layers.MultiHeadAttention(EXPERTS, HEAD_DIM, VALUE_DIM, use_bias=False)
    theirs.build(*(given[name].shape for name in ("query", "value", "key")))
    shared = [np.stack([numpy(dense.kernel.value)] * EXPERTS, 1) for dense in (layer.project_key, layer.project_value)]
    theirs.set_weights([np.moveaxis(numpy(layer.query_kernel.value), 0, 1), *shared, numpy(layer.output_kernel.value)])
    same(numpy(layer(**given)), numpy(theirs(**given)) / EXPERTS, 1e-5)


def dense(layer, query, value, key):
    """The same with every head computed for every token, and the losses: plain TensorFlow, for gradients."""
    p = tf.nn.softmax(query @ layer.router.value)
    kept = tf.reduce_sum(tf.one_hot(tf.math.top_k(p, layer.active).indices, EXPERTS, dtype=p.dtype), 2)
    gates = p * kept / tf.stop_gradient(tf.reduce_sum(p * kept, -1, keepdims=True))
    q = tf.einsum("btf,efd->betd", query, layer.query_kernel.value)
    k, v = key @ layer.project_key.kernel.value, value @ layer.project_value.kernel.value
    a = tf.nn.softmax(tf.einsum("betd,bkd->betk", q, k) / np.sqrt(HEAD_DIM))
    heads = tf.einsum("betk,bkv,evf->btef", a, v, layer.output_kernel.value)
    output = tf.reduce_sum(gates[..., None] * heads, 2)
    asked, probability = tf.reduce_sum(kept, (0, 1)), tf.reduce_sum(p, (0, 1))
    balance = EXPERTS * tf.reduce_sum(asked / tf.reduce_sum(asked) * probability / tf.reduce_sum(probability))
    z = tf.reduce_mean(tf.reduce_logsumexp(query @ layer.router.value, -1) ** 2)
    return output, layer.balance_weight * balance + layer.z_weight * z


@pytest.mark.parametrize("losses", [False, True])
def test_every_gradient_is_that_of_computing_all_heads(losses):
    layer, given = built(balance_weight=0.3, z_weight=0.2), arrays()
    given = {name: tf.constant(array) for name, array in given.items()}
    probe = np.random.default_rng(3).normal(size=given["query"].shape)
    sources = [*given.values(), *(weight.value for weight in layer.trainable_weights)]
    found = []
    for ours in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(list(given.values()))
            output, more = (layer(**given, training=True), None) if ours else dense(layer, **given)
            total = tf.reduce_sum(output * probe)
            if losses:
                total += sum(layer.losses) if ours else more
        gradients = tape.gradient(total, sources)
        assert not any(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)
        found.append(numpy(gradients))
    same(*found, 1e-10)
    router = next(g for g, w in zip(found[0][3:], layer.trainable_weights, strict=True) if w is layer.router)
    assert abs(router).max() > 1e-3


def test_who_is_not_asked_learns_nothing_and_with_one_active_the_router_still_learns():
    layer, given = built(active=1), arrays()
    with tf.GradientTape() as tape:
        output, gates = layer(**given, return_gates=True)
        total = tf.reduce_sum(output**2)
    queries, outputs, router = tape.gradient(
        total, [layer.query_kernel.value, layer.output_kernel.value, layer.router.value]
    )
    asked = numpy(gates).any((0, 1))
    assert 0 < asked.sum() < EXPERTS
    for gradient in (queries, outputs):
        assert ((abs(numpy(gradient)).max((1, 2)) > 0) == asked).all()
    assert abs(numpy(router)).max() > 1e-3


def test_the_losses_are_the_formulas_and_padding_does_not_count():
    layer, given = built(balance_weight=0.3, z_weight=0.2), arrays()
    mask = np.array([[True, True, True], [True, False, False]])
    tokens = given["query"][mask]
    router = np.asarray(layer.router)
    count, share, squares = np.zeros(EXPERTS), np.zeros(EXPERTS), []
    for token in tokens:
        p = softmax(token @ router)
        count[np.argsort(-p)[:ACTIVE]] += 1
        share += p
        squares.append(np.log(np.exp(token @ router).sum()) ** 2)
    balance = EXPERTS * (count / count.sum() * share / share.sum()).sum()
    layer(**given, query_mask=mask, training=True)
    (loss,) = layer.losses
    same(float(loss), 0.3 * balance + 0.2 * np.mean(squares), 1e-10)
    layer(**given, query_mask=mask)
    assert not layer.losses
    layer(**given, query_mask=np.zeros_like(mask), training=True)
    assert float(layer.losses[0]) == 0


def test_balance_is_one_when_all_are_asked_equally_and_the_number_of_experts_when_one_is():
    even, odd = np.full((EXPERTS, EXPERTS), 1 / EXPERTS), np.tile(np.eye(EXPERTS)[0], (EXPERTS, 1))
    same(float(routing.balance_loss(even, np.arange(EXPERTS)[:, None])), 1.0, 1e-6)
    same(float(routing.balance_loss(odd, np.zeros((EXPERTS, 1), int))), float(EXPERTS), 1e-6)


def test_the_losses_even_out_who_is_asked():
    random = np.random.default_rng(5)
    tokens = random.normal(size=(64, 1, FEATURES)).astype("float32") + random.normal(size=FEATURES).astype("float32")
    layer = MixtureOfHeads(EXPERTS, 1, HEAD_DIM, balance_weight=1.0)
    layer(tokens, tokens)
    fill(layer.weights)
    optimizer, largest = keras.optimizers.Adam(0.02), []
    for _ in range(30):
        with tf.GradientTape() as tape:
            _, gates = layer(tokens, tokens, return_gates=True, training=True)
            loss = sum(layer.losses)
        optimizer.apply_gradients([(tape.gradient(loss, layer.router.value), layer.router)])
        largest.append(numpy(gates).mean((0, 1)).max())
    assert largest[0] > 2 / EXPERTS
    assert largest[-1] < 1.5 / EXPERTS


CHOICES = {
    "even": np.arange(91) % EXPERTS,
    "one": np.full(91, 3),
    "last": np.full(91, EXPERTS - 1),
    "drawn": np.random.default_rng(6).integers(0, EXPERTS, 91),
    "few": np.array([2]),
    "none": np.zeros(0),
}


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_has_a_place_in_a_block_of_its_expert(name):
    index = CHOICES[name].astype("int32")
    place, choice, expert, size = routing.lay_out(tf.constant(index), EXPERTS)
    place, choice, expert = numpy([place, choice, expert])
    assert len(set(place)) == len(index)
    assert (choice[place] == np.arange(len(index))).all()
    assert (expert[place // size] == index).all()
    assert len(choice) == len(expert) * size <= 1.25 * len(index)
    rows = np.random.default_rng(7).normal(size=(len(index), FEATURES))
    kernel = np.random.default_rng(8).normal(size=(EXPERTS, FEATURES, HEAD_DIM))
    places = routing.Places(*(tf.constant(array) for array in (place, choice, expert)), size)
    found = numpy(routing.apply(tf.constant(rows), tf.constant(kernel), places))
    same(found, np.einsum("cf,cfd->cd", rows, kernel[index]), 1e-10)


def test_an_empty_batch():
    layer, given = built(), arrays()
    found = numpy(layer(**{name: array[:0] for name, array in given.items()}, **ASKED))
    assert [part.shape for part in found] == [(0, 3, FEATURES), (0, ACTIVE, 3, KEYS), (0, 3, EXPERTS)]


def test_dropout_drops_weights_in_training_alone():
    layer, given = built(dropout=0.5, seed=1), arrays()
    one, two, still = (numpy(layer(**given, training=training)) for training in (True, True, False))
    assert (one != two).any()
    same(still, numpy(built()(**given)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"active": 0}, "active: expected 1 to 7, the number of experts, got 0"),
        ({"active": 8}, "active: expected 1 to 7, the number of experts, got 8"),
        ({"head_dim": 0}, "head_dim: expected at least 1, got 0"),
        ({"value_dim": 0}, "value_dim: expected at least 1, or None, got 0"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfHeads(EXPERTS, **options)
