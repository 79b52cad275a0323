"""Our layers against the decoder of Bahdanau, Cho and Bengio 2015 in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import KEY_LENGTHS, fill, numpy, same
from keras import layers
from paper_decoder import PaperDecoder, maxout, sigmoid

from keras_attn.layers import AdditiveScoring, Attention, AttentionCell, DeepOutput, Unroll

BATCH, LENGTH, SOURCE, EMBEDDING, UNITS, HIDDEN, FEATURES = 2, 3, 5, 7, 11, 13, 17


def decoder(dtype):
    """Ours, with weights that are not small, and what it is given."""
    scoring = AdditiveScoring(HIDDEN, dtype=dtype)
    cell = layers.GRUCell(UNITS, reset_after=False, dtype=dtype)
    unroll = Unroll(AttentionCell(cell, Attention(scoring, dtype=dtype), dtype=dtype), dtype=dtype)
    random = np.random.default_rng(0)
    words, state, source = (
        random.normal(size=shape).astype(dtype)
        for shape in ((BATCH, LENGTH, EMBEDDING), (BATCH, UNITS), (BATCH, SOURCE, FEATURES))
    )
    mask = np.arange(SOURCE) < np.array(KEY_LENGTHS)[:, None]
    scoring.project_key.build(source.shape)
    memory = {"key": scoring.project_key(source), "value": source, "mask": mask}
    unroll(words, [state], memory)
    fill(unroll.weights)
    memory["key"] = scoring.project_key(source)
    return unroll, words, state, memory


# In float32 both sides round differently at each of the sums; 1e-6 is eight units in the last place of 1.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("length", [1, LENGTH])
def test_the_decoder_is_that_of_the_paper(dtype, tolerance, length):
    unroll, words, state, memory = decoder(dtype)
    parts, (last,) = unroll(words[:, :length], [state], memory)
    paper = PaperDecoder(unroll, FEATURES)
    for row in range(BATCH):
        states, contexts, weights = paper.run(
            *(given[row].astype("float64") for given in (words[:, :length], state, memory["value"])),
            memory["mask"][row],
        )
        ours = {name: numpy(part)[row] for name, part in parts.items()}
        same(ours, {"output": states, "context": contexts, "weights": weights}, tolerance)
        same(numpy(last)[row], states[-1], tolerance)


def test_the_reset_gate_stands_before_the_matrix():
    """Keras' default GRU has it after; the test above would pass for neither otherwise."""
    unroll, words, state, _ = decoder("float64")
    paper = PaperDecoder(unroll, FEATURES)
    y, s, c = words[0, 0], state[0], np.zeros(FEATURES)
    right = paper.step(y, s, c)
    r = sigmoid(y @ paper.W_r + s @ paper.U_r + paper.b_r)
    z = sigmoid(y @ paper.W_z + s @ paper.U_z + paper.b_z)
    after = (1 - z) * s + z * np.tanh(y @ paper.W + r * (s @ paper.U) + paper.b)
    assert abs(right - after).max() > 1e-3


def test_deep_output_is_a_maxout_of_neighbors():
    """A.2.2: t_ij = max(t~_{i,2j-1}, t~_{i,2j})."""
    layer = DeepOutput(UNITS, dtype="float64")
    random = np.random.default_rng(0)
    state, word, context = (random.normal(size=(BATCH, LENGTH, size)) for size in (7, 13, 17))
    ours = numpy(layer([state, word, context]))
    matrix = layer.get_weights()[0]
    U_o, V_o, C_o = matrix[:7], matrix[7:20], matrix[20:]
    for row in range(BATCH):
        for i in range(LENGTH):
            t = state[row, i] @ U_o + word[row, i] @ V_o + context[row, i] @ C_o
            same(ours[row, i], maxout(t), 1e-12)
