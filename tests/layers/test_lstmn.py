"""The attentive LSTM beside a loop over its equations, beside Keras' LSTM, in pieces, and with padding."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same
from keras import layers, tree

from keras_attn.layers import LSTMN

UNITS, HIDDEN, FEATURES = 3, 5, 7
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 1, 0]], bool)  # a gap, late enough to matter, and padding


def inputs(dtype="float64"):
    return np.random.default_rng(1).normal(size=(2, 6, FEATURES)).astype(dtype)


def lstmn(dtype="float64", **options):
    layer = LSTMN(UNITS, HIDDEN, dtype=dtype, **options)
    layer.build((None, None, FEATURES))
    fill(layer.weights)
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_loops(layer, x):
    """Equations 4 to 9 for one sequence (length, features): h, and weights over the past."""
    named = dict(zip([weight.name for weight in layer.weights], layer.get_weights(), strict=True))
    hidden, carry, summary, weights = [], [], np.zeros(UNITS), []
    for x_t in x:
        scores = [
            named["v"]
            @ np.tanh(h_i @ named["attend_past"] + x_t @ named["attend_input"] + summary @ named["attend_summary"])
            for h_i in hidden
        ]
        s = np.exp(scores) / np.exp(scores).sum()
        summary = sum((s_i * h_i for s_i, h_i in zip(s, hidden, strict=True)), np.zeros(UNITS))
        memory = sum((s_i * c_i for s_i, c_i in zip(s, carry, strict=True)), np.zeros(UNITS))
        gates = x_t @ named["kernel"] + summary @ named["recurrent_kernel"] + named["bias"]
        i, f, candidate, o = np.split(gates, 4)
        carry.append(sigmoid(f) * memory + sigmoid(i) * np.tanh(candidate))
        hidden.append(sigmoid(o) * np.tanh(carry[-1]))
        weights.append(s)
    return np.array(hidden), weights


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
def test_it_is_the_loop_of_the_paper(dtype, tolerance):
    layer, x = lstmn(dtype, return_sequences=True), inputs()
    output, weights = numpy(layer(x, mask=MASK, return_attention_scores=True))
    for index, may in enumerate(MASK):
        hidden, wanted = by_loops(lstmn(), x[index, may])
        same(output[index, may], hidden, tolerance)
        for t, row in enumerate(weights[index, may]):
            same(row[may][:t], wanted[t], tolerance)
            assert (row[may][t:] == 0).all()
        assert (output[index, ~may] == 0).all()
        assert (weights[index, ~may] == 0).all()
        assert (weights[index][:, ~may] == 0).all()
    same(numpy(lstmn(dtype)(x, mask=MASK)), np.stack([output[0, 5], output[1, 4]]), tolerance)


def test_the_past_sums_to_one():
    _, weights = numpy(lstmn(return_sequences=True)(inputs(), return_attention_scores=True))
    same(weights.sum(-1), np.repeat([[0.0, 1, 1, 1, 1, 1]], 2, 0), 1e-12)
    assert ((weights > 0) == np.tri(6, k=-1, dtype=bool)).all()


def test_while_there_is_one_state_to_look_at_it_is_the_lstm_of_keras():
    ours, theirs = lstmn("float32", return_sequences=True), layers.LSTM(UNITS, return_sequences=True)
    x = inputs("float32")
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights()[:3])
    ours_out, theirs_out = numpy(ours(x)), numpy(theirs(x))
    same(ours_out[:, :2], theirs_out[:, :2], 1e-6)
    assert abs(ours_out[:, 2:] - theirs_out[:, 2:]).max() > 0.01


def test_the_first_forget_gate_is_open():
    layer = LSTMN(UNITS)
    layer(inputs("float32"))
    theirs = layers.LSTM(UNITS)
    theirs(inputs("float32"))
    (ours,) = [weight for weight in layer.weights if weight.name == "bias"]
    same(numpy(ours), theirs.get_weights()[2])


@pytest.mark.parametrize("cuts", [(1,) * 6, (2, 4), (5, 1)], ids=str)
def test_in_pieces_it_gives_what_it_gives_at_once(cuts):
    layer = lstmn(return_sequences=True, return_state=True)
    whole, weights, last = numpy(layer(inputs(), mask=MASK, return_attention_scores=True))
    state, start = None, 0
    for length in cuts:
        here = slice(start, start + length)
        output, seen, state = layer(
            inputs()[:, here], mask=MASK[:, here], initial_state=state, return_attention_scores=True
        )
        same(numpy(output), whole[:, here], 1e-12)
        same(numpy(seen), weights[:, here, : here.stop], 1e-12)
        assert (weights[:, here, here.stop :] == 0).all()
        start += length
    same(numpy(state), last, 1e-12)
    assert [leaf.shape for leaf in last] == [(2, 6, UNITS), (2, 6, UNITS), (2, 6), (2, UNITS)]
    assert (last[2] == MASK).all()


def test_the_symbolic_state_is_the_real_one():
    layer = lstmn(return_state=True)
    real = layer(inputs(), return_attention_scores=True)
    for length in (6, None):
        symbols = layer(keras.Input((length, FEATURES), batch_size=2, dtype="float64"), return_attention_scores=True)
        tree.assert_same_structure(symbols, real)
        for symbol, tensor in zip(tree.flatten(symbols), tree.flatten(real), strict=True):
            assert symbol.dtype == tensor.dtype
            assert all(size in (None, there) for size, there in zip(symbol.shape, tensor.shape, strict=True))
            assert length is None or None not in symbol.shape
    _, _, state = symbols
    more = layer(keras.Input((2, FEATURES), batch_size=2, dtype="float64"), initial_state=state)
    assert more[1][0].shape == (2, None, UNITS)


def test_a_gap_is_as_if_the_step_were_not_there():
    layer = lstmn()
    same(numpy(layer(inputs()[1:], mask=MASK[1:])), numpy(layer(inputs()[1:, MASK[1]])), 1e-12)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
def test_long_sequences_in_narrow_types(policy):
    """300 steps: bfloat16 cannot count them, and nothing here has to."""
    x = np.random.default_rng(2).normal(size=(1, 300, FEATURES)).astype("float32")
    made = {"return_sequences": True, "recurrent_initializer": "glorot_uniform"}

    def run(dtype):
        layer = lstmn(dtype, **made)
        return numpy(tf.function(lambda x: layer(x, return_attention_scores=True))(x))

    (wide, weights), (narrow, narrow_weights) = run("float32"), run(policy)
    np.testing.assert_allclose(narrow, wide, atol=0.05)
    np.testing.assert_allclose(narrow_weights, weights, atol=0.02)
    assert ((narrow_weights > 0) == np.tri(300, k=-1, dtype=bool)).all()


def test_gradients_reach_every_earlier_step_and_no_later_or_masked_one():
    layer = lstmn(return_sequences=True)
    x = tf.constant(inputs())
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x, mask=MASK)[:, 4] ** 2)
    size = np.abs(tape.gradient(total, x)).max(-1)
    assert ((size > 0) == MASK * (np.arange(6) <= 4)).all()


def test_hidden_and_explicit_masks_agree():
    ids = np.array([[3, 1, 4, 1, 5], [9, 2, 0, 0, 0]])
    embed, layer = layers.Embedding(11, FEATURES, mask_zero=True), LSTMN(UNITS, return_sequences=True)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embed, layer])
    fill(model.weights)
    explicit = numpy(layer(numpy(embed(ids)), mask=ids != 0))
    same(numpy(model(ids)), explicit, 1e-6)
    assert (explicit[1, 2:] == 0).all()
    after = numpy(layers.LSTM(UNITS)(layer(embed(ids))))  # the mask goes on to the next layer
    assert after.shape == (2, UNITS)
    assert (numpy(layer(embed(ids))._keras_mask) == (ids != 0)).all()


def test_it_learns_which_earlier_symbol_to_recall():
    """Plain compile and fit, compiled by XLA: the label is the symbol after the mark."""
    random = np.random.default_rng(5)
    symbols, where = random.integers(1, 5, (512, 7)), random.integers(0, 6, 512)
    x = keras.utils.to_categorical(symbols, 6)
    x[np.arange(512), where, 5] = 1
    labels = symbols[np.arange(512), where + 1]
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((7, 6)), LSTMN(16), layers.Dense(5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], jit_compile=True)
    accuracy = model.fit(x, labels, batch_size=64, epochs=12, verbose=0).history["accuracy"]
    assert accuracy[-1] > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [({"units": 0}, "units: expected at least 1, got 0"), ({"units": 3, "attention_units": 0}, "attention_units: exp")],
)
def test_a_setting_that_makes_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        LSTMN(**options)


def test_a_wrong_rank_names_the_argument():
    with pytest.raises(ValueError, match=r"`inputs` must have shape \(batch, length, features\)"):
        LSTMN(3)(np.zeros((2, 7)))
