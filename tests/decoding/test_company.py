"""A sentence gives the same alone, among 64, and padded to twice its length."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import MODELS, numpy, same
from keras import ops

from keras_attn.decoding import (
    AverageLength,
    Beam,
    ConstrainedBeam,
    CoveragePenalty,
    DiverseBeam,
    Greedy,
    MinimumLength,
    NoRepeatNgram,
    RepetitionPenalty,
    Request,
    Sample,
)

RULES = (MinimumLength(factor=0.7), NoRepeatNgram(2), RepetitionPenalty(1.2))
SEARCHES = {
    "greedy": Greedy(),
    "beam-all": Beam(3, 2, AverageLength(), CoveragePenalty(0.3), RULES),
    "diverse": DiverseBeam(4, 2, groups=2),
    "constrained": ConstrainedBeam(3, 2),
    "sample": Sample(3, temperature=0.8, top_p=0.9),
}
BATCH, LONGEST = 64, 7
RANDOM = np.random.default_rng(7)
LENGTHS = RANDOM.integers(1, LONGEST + 1, BATCH)
SOURCE = np.where(np.arange(LONGEST) < LENGTHS[:, None], RANDOM.integers(4, 31, (BATCH, LONGEST)), 0).astype("int32")
LIMITS = (LENGTHS + 2).astype("int32")
PREFIX = np.where(np.arange(2) < RANDOM.integers(0, 3, (BATCH, 1)), RANDOM.integers(4, 31, (BATCH, 2)), 0).astype(
    "int32"
)
PHRASES = RANDOM.integers(4, 31, (BATCH, 2, 2)).astype("int32")
PHRASES[RANDOM.random((BATCH, 2)) < 0.4] = 0
PHRASES[LIMITS < 6] = 0
CHOSEN = [0, 13, 37, 63]
RECURRENT, TRANSFORMER = (
    next(row for row in MODELS if row.name == name) for name in ("gru-additive", "transformer-relative-multi-query")
)
CASES = [(RECURRENT, name) for name in SEARCHES if name != "beam-all"]
CASES += [(TRANSFORMER, name) for name in ("beam-all", "constrained")]  # tracing them takes a while


def graph_of(views, search):
    """The search as one graph of unknown shapes, as in an export."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None, None], tf.int32),
        ]
    )
    def graph(source, limit, prefix, phrases):
        encoded = views.encoder(source)
        request = Request(source_mask=source != 0, prefix=prefix, phrases=phrases)
        return search(views.step, encoded["memory"], encoded["state"], limit, request)

    return lambda *arrays: numpy(graph(*arrays))


@pytest.mark.parametrize(("row", "name"), CASES, ids=lambda case: getattr(case, "name", case))
def test_a_sentence_gives_the_same_alone_among_many_and_padded(row, name):
    search = graph_of(row.views(), SEARCHES[name])
    many = search(SOURCE, LIMITS, PREFIX, PHRASES)
    padded = search(np.pad(SOURCE, ((0, 0), (0, LONGEST))), LIMITS, PREFIX, PHRASES)
    same_outputs(padded, many, range(BATCH))
    for index in CHOSEN:
        rows = slice(index, index + 1)
        alone = search(SOURCE[rows, : LENGTHS[index]], LIMITS[rows], PREFIX[rows], PHRASES[rows])
        same_outputs(alone, type(many)(*(leaf[rows] for leaf in many)), [0])
    assert len({tuple(ids) for ids in many.ids[:, 0].tolist()}) > BATCH / 3


def same_outputs(one, other, sentences):
    """Equal, or a tie of values; what is behind a sentence's limit is padding."""
    longest = min(one.ids.shape[2], other.ids.shape[2])
    assert not one.ids[:, :, longest:].any()
    assert not other.ids[:, :, longest:].any()
    for sentence in sentences:
        np.testing.assert_allclose(one.value[sentence], other.value[sentence], atol=1e-4)
        tied = np.diff(np.maximum(one.value[sentence], -1e9), prepend=1e9, append=-2e9) > -1e-4
        for n in range(one.ids.shape[1]):
            if not (tied[n] or tied[n + 1]):
                np.testing.assert_array_equal(one.ids[sentence, n, :longest], other.ids[sentence, n, :longest])
                np.testing.assert_allclose(one.score[sentence, n], other.score[sentence, n], atol=1e-4)


def test_the_graph_gives_what_eager_calls_give():
    views, some = RECURRENT.views(), slice(0, 3)
    search = SEARCHES["beam-all"]
    graph = graph_of(views, search)(SOURCE[some], LIMITS[some], PREFIX[some], PHRASES[some])
    encoded = views.encoder(ops.convert_to_tensor(SOURCE[some]))
    request = Request(source_mask=SOURCE[some] != 0, prefix=PREFIX[some], phrases=PHRASES[some])
    eager = search(views.step, encoded["memory"], encoded["state"], LIMITS[some], request)
    same(list(graph), list(numpy(eager)), 1e-4)
