"""Cells with a memory: what they read, what enters the cell, what comes out."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import CELLS, fill, numpy, same
from keras import layers

from keras_attn.layers import AdditiveScoring, Attention, AttentionCell, ContextCell, DeepOutput, MemoryCell, Unroll


def arrays(*shapes):
    random = np.random.default_rng(0)
    return [random.normal(size=shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_without_a_memory_it_is_keras_own_layer(kind):
    theirs = kind(11, return_sequences=True, return_state=True)
    count = len(theirs.cell.state_size) if isinstance(theirs.cell.state_size, list | tuple) else 1
    inputs, *state = arrays((2, 3, 7), *[(2, 11)] * count)
    theirs(inputs)
    fill(theirs.weights)
    ours = Unroll(MemoryCell(type(theirs.cell).from_config(theirs.cell.get_config())))
    ours(inputs, state, {})
    ours.set_weights(theirs.get_weights())
    parts, states = ours(inputs, state, {})
    output, *last = theirs(inputs, initial_state=state)
    same(numpy([parts["output"], *states]), numpy([output, *last]), 1e-6)
    assert set(parts) == {"output"}


def test_the_fixed_vector_enters_every_step():
    cell = layers.LSTMCell(11)
    inputs, vector, hidden, carry = arrays((2, 3, 7), (2, 5), (2, 11), (2, 11))
    ours = Unroll(ContextCell(cell))
    parts, states = ours(inputs, [hidden, carry], {"vector": vector})
    same(numpy(parts["context"]), np.repeat(vector[:, None], 3, 1))
    state = [hidden, carry]
    for time in range(3):
        output, state = cell(np.concatenate([inputs[:, time], vector], -1), state)
        same(numpy(parts["output"])[:, time], numpy(output), 1e-6)
    same(numpy(states), numpy(list(state)), 1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_attention_asks_with_the_output_of_the_top_cell(name):
    """The top cell's hidden state: not a carry, not the state of a cell below."""
    make, _ = CELLS[name]
    cell = AttentionCell(make(), Attention(AdditiveScoring(29)))
    state = [np.zeros((2, size), "float32") for size in cell.state_size]
    inputs, key, value = arrays((2, 1, 7), (2, 5, 29), (2, 5, 13))
    memory = {"key": key, "value": value, "mask": np.ones((2, 5), bool)}
    ours = Unroll(cell)
    ours(inputs, state, memory)
    fill(ours.weights)
    changes = []
    for index in range(len(state)):
        other = [leaf + (place == index) for place, leaf in enumerate(state)]
        before, after = (numpy(ours(inputs, given, memory)[0]["weights"]) for given in (state, other))
        changes.append(bool(abs(before - after).max() > 1e-4))
    top = {"rnn": 0, "lstm": 0, "gru": 0, "stack": 2}[name]
    assert changes == [index == top for index in range(len(state))]


def test_a_stack_puts_out_the_top_cells_state():
    ours = Unroll(MemoryCell(layers.StackedRNNCells([layers.LSTMCell(5), layers.GRUCell(11)])))
    inputs, *state = arrays((2, 3, 7), (2, 5), (2, 5), (2, 11))
    parts, states = ours(inputs, state, {})
    same(numpy(parts["output"])[:, -1], numpy(states[2]))
    assert [tuple(leaf.shape) for leaf in states] == [(2, 5), (2, 5), (2, 11)]


def test_golden():
    """Every weight filled with 0.1, 0.2, 0.3 ...: the numbers of a NumPy script that is independent of the others."""
    scoring = AdditiveScoring(2, dtype="float64")
    cell = layers.GRUCell(2, reset_after=False, dtype="float64")
    ours = Unroll(AttentionCell(cell, Attention(scoring, dtype="float64"), dtype="float64"), dtype="float64")
    inputs, value = np.array([[[0.1], [0.2]]]), np.arange(1.0, 7).reshape(1, 3, 2) / 10
    scoring.project_key.build(value.shape)
    scoring.project_key.set_weights([np.array([[0.1, 0.2], [0.3, 0.4]])])
    memory = {"key": scoring.project_key(value), "value": value, "mask": np.array([[True, True, False]])}
    state = [np.array([[0.5, -0.5]])]
    ours(inputs, state, memory)
    for weight in ours.weights:
        weight.assign(np.arange(1.0, np.prod(weight.shape) + 1).reshape(weight.shape) / 10)
    memory["key"] = scoring.project_key(value)
    parts, _ = ours(inputs, state, memory)
    golden = {
        "output": np.array([[[0.619695, 0.005306], [0.717444, 0.267433]]]),
        "context": np.array([[[0.201594, 0.301594], [0.201494, 0.301494]]]),
        "weights": np.array([[[0.492031, 0.507969, 0.0], [0.492531, 0.507469, 0.0]]]),
    }
    same({name: np.round(part, 6) for name, part in numpy(parts).items()}, golden)


def test_golden_deep_output():
    layer = DeepOutput(2, dtype="float64")
    parts = [np.array([[[1.0, -2.0]]]), np.array([[[3.0]]])]
    layer(parts)
    layer.set_weights([np.arange(1.0, 13).reshape(3, 4) * np.array([1, -1, 1, -1])])
    # By hand: [1, -2, 3] times columns 1 5 9, -2 -6 -10, 3 7 11, -4 -8 -12 = 18, -20, 22, -24; the larger of each two.
    same(numpy(layer(parts)), np.array([[[18.0, 22.0]]]))


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
@pytest.mark.parametrize("stacked", [False, True])
def test_a_cell_with_dropout_of_its_own_is_refused(name, stacked):
    """Keras' RNN renews the masks of dropout only in a cell that it sees directly: here they would never change."""
    cell = layers.GRUCell(11, **{name: 0.1})
    with pytest.raises(ValueError, match=r"cell: expected a cell without dropout .*, got 0\.1"):
        MemoryCell(layers.StackedRNNCells([layers.GRUCell(7), cell]) if stacked else cell)


def test_units_are_at_least_one():
    with pytest.raises(ValueError, match="`units` must be at least 1; it came as -3"):
        DeepOutput(-3)
