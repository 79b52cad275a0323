"""Decoders in NumPy loops: Luong, Pham and Manning 2015, and the one of PyTorch's tutorial."""

from __future__ import annotations

import keras
import numpy as np
import paper_cells
import pytest
from catalogue import KEY_LENGTHS, fill, numpy, same
from keras import layers
from paper_decoder import softmax

from keras_attn.errors import UserError
from keras_attn.layers import (
    Attention,
    AttentionCell,
    ConcatFusion,
    DotScoring,
    GatedFusion,
    GeneralScoring,
    LinearFusion,
    LocationScoring,
    LuongCell,
    Unroll,
)

BATCH, LENGTH, SOURCE, EMBEDDING, UNITS, FEATURES = 2, 3, 5, 7, 11, 13
TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]


def gru(dtype, reset_after=False):
    return layers.GRUCell(UNITS, reset_after=reset_after, dtype=dtype)


CELLS = {
    "gru": (gru, [UNITS]),
    "gru-reset-after": (lambda dtype: gru(dtype, reset_after=True), [UNITS]),
    "lstm": (lambda dtype: layers.LSTMCell(UNITS, dtype=dtype), [UNITS, UNITS]),
    "stack": (
        lambda dtype: layers.StackedRNNCells([layers.LSTMCell(5, dtype=dtype), gru(dtype)], dtype=dtype),
        [5, 5, UNITS],
    ),
}


def run(unroll, scoring, states, dtype, source=SOURCE):
    """Weights that are not small, and what comes out: words, first state, memory, parts, last state."""
    random = np.random.default_rng(0)
    words, annotations, *state = (
        random.normal(size=shape).astype(dtype)
        for shape in ((BATCH, LENGTH, EMBEDDING), (BATCH, source, FEATURES), *((BATCH, size) for size in states))
    )
    mask = np.arange(source) < np.array(KEY_LENGTHS)[:, None]
    scoring.project_key.build(annotations.shape)
    memory = {"key": scoring.project_key(annotations), "value": annotations, "mask": mask}
    unroll(words, state, memory)
    fill(unroll.weights)
    memory["key"] = scoring.project_key(annotations)
    parts, last = unroll(words, state, memory)
    return words, state, memory, numpy(parts), numpy(last)


def luong(cell, scoring, W_c, words, state, h_s, visible, input_feeding):
    """Sections 3 and 3.3 for one sentence: outputs, contexts, weights, last state."""
    own = list(state[:-1]) if input_feeding else list(state)
    fed, rows = state[-1], []
    W_a = scoring.project_key.get_weights()[0].astype("float64")
    for y in words:
        x = np.concatenate([y, fed]) if input_feeding else y
        if isinstance(cell, layers.StackedRNNCells):
            below, top = cell.cells
            h, lower = paper_cells.step(below, x, own[:2])
            h, upper = paper_cells.step(top, h, own[2:])
            own = [*lower, *upper]
        else:
            h, own = paper_cells.step(cell, x, own)
        a = softmax(np.array([h @ W_a.T @ h_bar for h_bar in h_s]), visible)  # eq. 7, "general"
        c = a @ h_s
        fed = np.tanh(np.concatenate([c, h]) @ W_c)  # eq. 5
        rows.append((fed, c, a))
    return [np.array(column) for column in zip(*rows, strict=True)], [*own, fed] if input_feeding else own


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("input_feeding", [True, False])
@pytest.mark.parametrize("kind", CELLS)
def test_the_decoder_is_that_of_the_paper(kind, input_feeding, dtype, tolerance):
    make, states = CELLS[kind]
    scoring = GeneralScoring(UNITS, dtype=dtype)
    cell = LuongCell(make(dtype), Attention(scoring, dtype=dtype), input_feeding=input_feeding, dtype=dtype)
    assert cell.state_size == ([*states, UNITS] if input_feeding else states)
    words, state, memory, parts, last = run(Unroll(cell, dtype=dtype), scoring, cell.state_size, dtype)
    W_c = cell.fusion.W_c.get_weights()[0].astype("float64")
    for row in range(BATCH):
        given = [given[row].astype("float64") for given in (words, *state, memory["value"])]
        wanted, ending = luong(
            cell.cell, scoring, W_c, given[0], given[1:-1], given[-1], memory["mask"][row], input_feeding
        )
        found = [parts[name][row].astype("float64") for name in ("output", "context", "weights")]
        same(found, wanted, tolerance)
        same([leaf[row].astype("float64") for leaf in last], ending, tolerance)


def test_without_input_feeding_the_last_context_changes_nothing_later():
    for feeding in (False, True):
        scoring = GeneralScoring(UNITS)
        cell = LuongCell(gru("float32"), Attention(scoring), input_feeding=feeding)
        unroll = Unroll(cell)
        words, state, memory, _, _ = run(unroll, scoring, cell.state_size, "float32")
        before, _ = unroll(words, state, memory)
        after, _ = unroll(words, state, {**memory, "value": memory["value"] + 1})
        moved = abs(numpy(before["weights"]) - numpy(after["weights"])).max((0, 2)) > 1e-5  # by step
        assert moved.tolist() == [False, feeding, feeding]


@pytest.mark.parametrize("kind", [LinearFusion, GatedFusion])
def test_another_fusion_is_fed_and_put_out(kind):
    scoring = GeneralScoring(UNITS, dtype="float64")
    cell = LuongCell(gru("float64"), Attention(scoring, dtype="float64"), fusion=kind(dtype="float64"), dtype="float64")
    words, state, _, parts, last = run(Unroll(cell, dtype="float64"), scoring, cell.state_size, "float64")
    same(last[-1], parts["output"][:, -1])
    h, _ = paper_cells.step(cell.cell, np.concatenate([words[0, 0], state[1][0]]), [state[0][0]])
    same(parts["output"][0, 0], numpy(cell.fusion(h[None], parts["context"][:1, 0]))[0], 1e-12)


def test_side_by_side_is_too_wide_to_be_fed():
    attention = Attention(GeneralScoring(UNITS))
    message = "fusion: expected one that is as wide as the state, such as `LinearFusion`, or `input_feeding=False`, got"
    with pytest.raises(UserError, match=f"{message} 'ConcatFusion'"):
        LuongCell(gru("float32"), attention, fusion=ConcatFusion())
    cell = LuongCell(gru("float32"), attention, fusion=ConcatFusion(), input_feeding=False)
    _, _, _, parts, _ = run(Unroll(cell), attention.scoring, cell.state_size, "float32")
    assert parts["output"].shape == (BATCH, LENGTH, UNITS + FEATURES)
    same(parts["output"][..., UNITS:], parts["context"])


def test_the_query_is_the_current_state():
    message = "query: expected one of 'state', got 'token'"
    with pytest.raises(UserError, match=message):
        LuongCell(gru("float32"), Attention(DotScoring()), query="token")
    message = "query: expected one of 'previous_state', 'token', 'token_and_state', got 'state'"
    with pytest.raises(UserError, match=message):
        AttentionCell(gru("float32"), Attention(DotScoring()), query="state")


def test_golden():
    """Weights 0.1, 0.2, 0.3 ... of a plain cell, two steps, by hand."""
    cell = layers.SimpleRNNCell(1, dtype="float64")
    scoring = DotScoring(dtype="float64")
    luong = LuongCell(cell, Attention(scoring, dtype="float64"), dtype="float64")
    unroll = Unroll(luong, dtype="float64")
    h_s = np.array([[[0.1], [0.2]]])
    memory = {"key": h_s, "value": h_s, "mask": np.ones((1, 2), bool)}
    given = np.array([[[1.0], [2.0]]]), [np.array([[0.3]]), np.array([[0.0]])], memory
    unroll(*given)
    cell.set_weights([np.array([[0.1], [0.2]]), np.array([[0.3]]), np.array([0.4])])  # of [y; h~], of h, bias
    luong.fusion.W_c.set_weights([np.array([[0.5], [0.6]])])  # of [c; h]
    h, fed, wanted = 0.3, 0.0, []
    for y in (1.0, 2.0):
        h = np.tanh(0.1 * y + 0.2 * fed + 0.3 * h + 0.4)
        first = 1 / (1 + np.exp(0.2 * h - 0.1 * h))
        c = 0.1 * first + 0.2 * (1 - first)
        fed = np.tanh(0.5 * c + 0.6 * h)
        wanted.append(fed)
    parts, (state, last) = unroll(*given)
    same(numpy(parts["output"]).ravel(), np.array(wanted), 1e-14)
    same([numpy(state).item(), numpy(last).item()], [h, fed], 1e-14)
    same(np.round(numpy(parts["output"]).ravel(), 6), np.array([0.374459, 0.450541]))


# Who asks before the step


@pytest.mark.parametrize("query", ["previous_state", "token", "token_and_state"])
def test_who_asks(query):
    """The scoring over places shows the query: its scores are one matrix times it."""
    scoring = LocationScoring(SOURCE, dtype="float64")
    cell = AttentionCell(gru("float64"), Attention(scoring, dtype="float64"), query, dtype="float64")
    words, state, memory, parts, _ = run(Unroll(cell, dtype="float64"), scoring, [UNITS], "float64")
    weight, bias = scoring.project_query.get_weights()
    for row in range(BATCH):
        asked = {"previous_state": [state[0][row]], "token": [words[row, 0]]}.get(query, [words[row, 0], state[0][row]])
        a = softmax(np.concatenate(asked) @ weight + bias, memory["mask"][row])
        same(parts["weights"][row, 0], a, 1e-12)


def tutorial(cell, scoring, combine, words, state, encoder_outputs, relu):
    """AttnDecoderRNN of PyTorch's tutorial: attn, bmm, attn_combine, relu, GRU. The source has all its places."""
    attn, attn_bias = (weight.astype("float64") for weight in scoring.project_query.get_weights())
    matrix, bias = (weight.astype("float64") for weight in combine.get_weights())
    rows = []
    for embedded in words:
        weights = softmax(np.concatenate([embedded, *state]) @ attn + attn_bias, np.ones(len(encoder_outputs), bool))
        applied = weights @ encoder_outputs
        output = np.concatenate([embedded, applied]) @ matrix + bias
        _, state = paper_cells.step(cell, np.maximum(output, 0) if relu else output, state)
        rows.append((*state, applied, weights))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("reset_after", [True, False])  # PyTorch's GRU has the reset gate behind the matrix
def test_the_decoder_of_the_tutorial(reset_after, relu, dtype, tolerance):
    scoring, fusion = LocationScoring(SOURCE, dtype=dtype), LinearFusion("relu" if relu else None, dtype=dtype)
    attention = Attention(scoring, dtype=dtype)
    cell = AttentionCell(gru(dtype, reset_after), attention, "token_and_state", fusion, dtype=dtype)
    words, state, memory, parts, _ = run(Unroll(cell, dtype=dtype), scoring, [UNITS], dtype)
    # The first example is as long as the longest source; for a shorter one see tests/layers/test_scoring.py.
    given = [given[0].astype("float64") for given in (words, memory["value"])]
    wanted = tutorial(cell.cell, scoring, fusion.combine, given[0], [state[0][0].astype("float64")], given[1], relu)
    found = [parts[name][0].astype("float64") for name in ("output", "context", "weights")]
    same(found, wanted, tolerance)


@pytest.mark.parametrize("kind", [AttentionCell, LuongCell])
def test_a_cell_comes_back_with_all_its_parts(kind):
    more = {"input_feeding": False} if kind is LuongCell else {"query": "token"}
    cell = kind(gru("float32"), Attention(DotScoring()), fusion=GatedFusion(), **more)
    again = kind.from_config(cell.get_config())
    assert again.get_config() == cell.get_config()
    assert type(again.fusion) is GatedFusion
    assert {name: getattr(again, name) for name in more} == more
    assert isinstance(again.cell, keras.layers.GRUCell)
