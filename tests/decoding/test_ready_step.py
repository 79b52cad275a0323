"""A step with its matrix at hand, and a search that does not count, beside those that do it every time."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import ModelRow, ids, numpy, over

from keras_attn.decoding import Beam, Greedy, MinimumLength, ReadyStep, SuppressTokens
from keras_attn.decoding.beginning import roomy
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder

LIMITS = np.array([7, 4, 9, 1, 5], "int32")
SIZES = {"layers": 2, "width": 8, "heads": 2, "feed_forward": 7}
ROWS = [
    ModelRow("gru", RNNEncoder(units=7, embedding=5), RNNDecoder(units=11, embedding=5), (13, 23)),
    ModelRow("tied", TransformerEncoder(**SIZES), TransformerDecoder(**SIZES, tied=True), (13, 23)),
    ModelRow("untied", TransformerEncoder(**SIZES), TransformerDecoder(**SIZES, tied=False), (13, 23)),
]
every_row = over(ROWS)


def asked(views, n):
    encoded = views.encoder(ids(7, 13, (5, 3, 1, 4, 2)))
    state = roomy(encoded["state"], n)
    told = {"tokens": tf.constant(ids(8, 23, (n,) * 5)), "position": tf.constant(0)}
    return {**told, "memory": encoded["memory"], "state": state}


@every_row
@pytest.mark.parametrize("n", [1, 3])
def test_it_says_what_the_step_says(row, n):
    views = row.views()
    ours, theirs = (step(asked(views, n)) for step in (ReadyStep(views), views.step))
    assert ours["logits"].shape == (5, n, 23)
    np.testing.assert_allclose(numpy(ours["logits"]), numpy(theirs["logits"]), atol=1e-5)
    tf.nest.assert_same_structure(ours["state"], theirs["state"])
    assert ours["weights"].keys() == theirs["weights"].keys()


@every_row
@pytest.mark.parametrize("search", [Greedy(), Beam(3, n_best=2)], ids=["greedy", "beam"])
def test_a_search_finds_the_same_with_it_in_a_graph_of_any_batch(row, search):
    views = row.views()

    @tf.function(input_signature=[tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None,), "int32")])
    def both(source, limits):
        encoded = views.encoder(source)
        return [search(step, encoded["memory"], encoded["state"], limits) for step in (ReadyStep(views), views.step)]

    ours, theirs = both(ids(7, 13, (5, 3, 1, 4, 2)), LIMITS)
    np.testing.assert_array_equal(numpy(ours.ids), numpy(theirs.ids))
    np.testing.assert_allclose(numpy(ours.score), numpy(theirs.score), atol=1e-5)


def test_a_new_one_has_the_weights_as_they_are_now():
    views = ROWS[1].views()
    table = views.softmax.embeddings
    told = asked(views, 1)
    old = numpy(ReadyStep(views)(told)["logits"])
    table.assign(table + 1.0)
    assert np.abs(numpy(ReadyStep(views)(told)["logits"]) - old).max() > 0.1


@pytest.mark.parametrize("rules", [(), (MinimumLength(3),)], ids=["free", "minimum"])
def test_greedy_without_scores_finds_the_same(rules):
    views = ROWS[1].views()
    encoded = views.encoder(ids(7, 13, (5, 3, 1, 4, 2)))
    scored, plain = (
        Greedy(rules, scored=scored)(views.step, encoded["memory"], encoded["state"], LIMITS)
        for scored in (True, False)
    )
    np.testing.assert_array_equal(numpy(plain.ids), numpy(scored.ids))
    assert (numpy(plain.score) == 0).all()
    assert (numpy(scored.score) < 0).all()


def test_without_scores_it_is_still_told_where_rules_leave_nothing():
    views = ROWS[1].views()
    encoded = views.encoder(ids(7, 13, (5, 3, 1, 4, 2)))
    nothing = Greedy((SuppressTokens(tuple(range(23))),), scored=False)
    found = nothing(views.step, encoded["memory"], encoded["state"], LIMITS)
    assert (numpy(found.score) == -np.inf).all()
    assert (numpy(found.ids) == 0).all()
