"""Greedy search against the chain of argmaxes, and against a table that says what comes next."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import ModelRow, ids, numpy, over, same
from keras import ops

from keras_attn.decoding import Greedy
from keras_attn.models import RNNDecoder, RNNEncoder

END, START = 3, 2
LENGTHS = (5, 3, 1, 4, 2)
LIMITS = np.array([7, 4, 9, 1, 5], "int32")

# Few words, so that an untrained model says the end token now and then.
ENCODER = RNNEncoder(units=7, embedding=5)
ROWS = [
    ModelRow("additive", ENCODER, RNNDecoder(units=11, embedding=5, deep_output=True), (13, 7)),
    ModelRow("initial", ENCODER, RNNDecoder(units=11, embedding=5, cell="lstm", attention=None), (13, 7)),
    ModelRow(
        "every-step",
        ENCODER,
        RNNDecoder(units=11, embedding=5, layers=2, attention=None, fixed_vector="every_step"),
        (13, 7),
    ),
]
every_row = over(ROWS)


def search(views, source, limit, **settings):
    encoded = views.encoder(source)
    found = Greedy(**settings)(views.step, encoded["memory"], encoded["state"], limit)
    return [numpy(found.ids)[:, 0], numpy(found.score)[:, 0]]


def log_softmax(logits):
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def chain(training, source, limit):
    """The likeliest next token but padding and start, again and again from the start: no state, no cache."""
    tokens, score = [START], 0.0
    while len(tokens) <= limit and (len(tokens) == 1 or tokens[-1] != END):
        logits = numpy(training({"source": source[None], "target": np.array([tokens], "int32")}))[0, -1]
        log_p = log_softmax(logits.astype("float64"))
        tokens.append(int(np.where(np.isin(np.arange(len(log_p)), (0, START)), -np.inf, log_p).argmax()))
        score += log_p[tokens[-1]]
    return tokens[1:], score


@every_row
def test_greedy_is_the_chain_of_argmaxes_without_a_cache(row):
    views, source = row.views(), ids(7, 13, LENGTHS)
    found, score = search(views, source, LIMITS)
    assert found.shape == (5, 9)
    assert found.dtype == np.int32
    ended = 0
    for index in range(5):
        tokens, wanted = chain(views.training, source[index], LIMITS[index])
        assert found[index].tolist() == tokens + [0] * (9 - len(tokens))
        np.testing.assert_allclose(score[index], wanted, rtol=1e-5)
        ended += tokens[-1] == END and len(tokens) < LIMITS[index]
    assert score.dtype == np.float32


def test_some_of_these_chains_end_and_some_are_cut():
    source, kinds = ids(7, 13, LENGTHS), set()
    for row in ROWS:
        found, _ = search(row.views(), source, LIMITS)
        kinds |= {"ended" if END in tokens else "cut" for tokens in found.tolist()}
    assert kinds == {"ended", "cut"}


@every_row
def test_the_score_is_what_the_training_view_gives_the_output(row):
    views, source = row.views(), ids(7, 13, LENGTHS)
    found, score = search(views, source, LIMITS)
    before = np.concatenate([np.full((5, 1), START), found[:, :-1]], 1).astype("int32")
    logits = numpy(views.training({"source": source, "target": before})).astype("float64")
    for index in range(5):
        tokens = found[index].tolist()
        length = tokens.index(END) + 1 if END in tokens else LIMITS[index]
        wanted = sum(log_softmax(logits[index, t])[tokens[t]] for t in range(length))
        np.testing.assert_allclose(score[index], wanted, rtol=1e-5)


@every_row
def test_a_sentence_alone_comes_out_as_in_a_batch(row):
    views, source = row.views(), ids(7, 13, LENGTHS)
    found, score = search(views, source, LIMITS)
    for index, length in enumerate(LENGTHS):
        alone, alone_score = search(views, source[index : index + 1, :length], LIMITS[index : index + 1])
        assert alone[0].tolist() == found[index, : LIMITS[index]].tolist()
        assert not found[index, LIMITS[index] :].any()
        np.testing.assert_allclose(alone_score[0], score[index], rtol=1e-5)


@every_row
def test_the_same_inside_a_graph_of_unknown_shapes(row):
    views, source = row.views(), ids(7, 13, LENGTHS)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def graph(source, limit):
        encoded = views.encoder(source)
        found = Greedy()(views.step, encoded["memory"], encoded["state"], limit)
        return found.ids[:, 0], found.score[:, 0]

    for count in (5, 2):
        same(numpy(list(graph(source[:count], LIMITS[:count]))), search(views, source[:count], LIMITS[:count]), 1e-5)


def test_sixteen_bits_are_scored_in_thirty_two():
    views, source = ROWS[0].views("mixed_bfloat16"), ids(7, 13, LENGTHS)
    found, score = search(views, source, LIMITS)
    assert score.dtype == np.float32
    assert (score != numpy(ops.cast(ops.cast(score, "bfloat16"), "float32"))).any()
    assert found.shape == (5, 9)


# A model that is a table


class Table:
    """log p(next | last token), whatever the source; it notes how it was asked."""

    def __init__(self, successors, vocabulary=11):
        logits = np.zeros((vocabulary, vocabulary), "float32")
        for token, following in successors.items():
            logits[token, following] = 5.0
        self.logits, self.asked = logits, []

    def __call__(self, inputs):
        self.asked.append((int(inputs["position"]), numpy(inputs["tokens"])[:, 0].tolist()))
        state = ops.add(inputs["state"]["deep"][0]["count"], 1)
        return {
            "logits": ops.take(self.logits, inputs["tokens"], axis=0),
            "state": {"deep": [{"count": state}]},
            "weights": {},
        }


STEP = 5.0 - np.log(np.exp(5.0) + 10)  # log p of a successor


def ask(table, limit, batch=2, **settings):
    state = {"deep": [{"count": np.zeros((batch, 1), "float32")}]}
    found = numpy(Greedy(**settings)(table, {}, state, limit))
    assert found.ids.shape[:2] == found.score.shape == found.value.shape == (batch, 1)
    assert (found.value == found.score).all()
    return found.ids[:, 0].tolist(), found.score[:, 0]


def test_it_stops_asking_when_every_sentence_has_ended():
    table = Table({2: 5, 5: 6, 6: 3})
    found, score = ask(table, 11)
    assert found == [[5, 6, 3, *[0] * 8]] * 2
    assert table.asked == [(0, [2, 2]), (1, [5, 5]), (2, [6, 6])]
    np.testing.assert_allclose(score, [3 * STEP] * 2, rtol=1e-6)


def test_it_stops_asking_at_the_longest_limit():
    table = Table({2: 5, 5: 5})
    found, score = ask(table, np.array([4, 2], "int32"))
    assert found == [[5, 5, 5, 5], [5, 5, 0, 0]]
    assert [position for position, _ in table.asked] == [0, 1, 2, 3]
    np.testing.assert_allclose(score, [4 * STEP, 2 * STEP], rtol=1e-6)


def test_the_end_token_may_come_first():
    table = Table({2: 3, 3: 5})
    found, score = ask(table, 4)
    assert found == [[3, 0, 0, 0]] * 2
    assert len(table.asked) == 1
    np.testing.assert_allclose(score, [STEP] * 2, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, np.zeros(2, "int32")], ids=["one", "each"])
def test_a_limit_of_nothing_puts_nothing_out(limit):
    table = Table({2: 5})
    found, score = ask(table, limit)
    assert found == [[], []]
    assert score.tolist() == [0, 0]
    assert table.asked == []


def test_one_sentence_may_have_a_limit_of_nothing():
    found, score = ask(Table({2: 5, 5: 3}), np.array([0, 3], "int32"))
    assert found == [[0, 0, 0], [5, 3, 0]]
    np.testing.assert_allclose(score, [0, 2 * STEP], rtol=1e-6)


def test_a_batch_of_nothing_gives_nothing():
    found, score = ask(Table({2: 5}), np.zeros(0, "int32"), batch=0)
    assert found == []
    assert score.shape == (0,)


def test_padding_and_start_are_never_said():
    found, score = ask(Table({2: 0, 4: 2, 1: 4}), 3)  # of equally likely words the first
    assert found == [[1, 4, 1]] * 2
    np.testing.assert_allclose(score, [2 * (STEP - 5.0) + STEP] * 2, rtol=1e-6)


def test_the_ids_of_start_end_and_padding_can_be_others():
    table = Table({7: 5, 5: 8})
    found, _ = ask(table, 4, start=7, end=8, padding=9)
    assert found == [[5, 8, 9, 9]] * 2
    assert table.asked[0] == (0, [7, 7])


def test_these_tests_run_on_tensorflow():
    assert keras.backend.backend() == "tensorflow"
