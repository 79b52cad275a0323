"""Sentences that are finished are left out, and nobody can tell."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy
from keras import ops

from keras_attn.decoding.until_finished import until_finished

LENGTHS = np.array([3, 0, 7, 7, 1, 2, 9, 1, 1, 4, 0, 5], "int32")
NAMES = np.arange(100, 100 + 3 * len(LENGTHS), dtype="int32")  # three rows for each sentence


def count(lengths, names):
    """Each sentence adds up its rows' names as often as its length says; and how many rows were there each time."""

    def unfinished(position, found, going, fixed):
        return position < fixed["length"]

    def advance(position, found, going, fixed):
        open_ = ops.repeat(position < fixed["length"], 3)
        rows = ops.shape(open_)[0]
        total = found["total"] + ops.where(open_, going["name"], 0)
        return {"total": total, "company": found["company"] + rows}, going

    nothing = {"total": ops.zeros_like(names), "company": ops.zeros_like(lengths)}
    return until_finished(
        unfinished,
        advance,
        nothing,
        {"name": names},
        {"length": lengths, "empty": names[:, None][:, :0]},
        ops.shape(lengths)[0],
    )


unknown = tf.function(count, input_signature=[tf.TensorSpec([None], tf.int32)] * 2)


@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[::-1].copy(), LENGTHS * 0, LENGTHS[:1], LENGTHS[:0]], ids=len)
def test_what_is_found_is_the_same(lengths):
    names = NAMES[: 3 * len(lengths)]
    wanted = np.repeat(lengths, 3) * names
    for way in (count, unknown):
        np.testing.assert_array_equal(numpy(way(tf.constant(lengths), tf.constant(names))["total"]), wanted)


def test_in_a_graph_of_any_size_the_finished_ones_are_left_out():
    all_stay = numpy(count(tf.constant(LENGTHS), tf.constant(NAMES))["company"])
    left_out = numpy(unknown(tf.constant(LENGTHS), tf.constant(NAMES))["company"])
    assert set(all_stay) == {LENGTHS.max() * len(NAMES)}
    rows, open_ = len(LENGTHS), [(position < LENGTHS).sum() for position in range(LENGTHS.max())]
    company = []
    for some in open_:
        rows = some if 8 * some <= 7 * rows else rows
        company.append(3 * rows)
    assert left_out.max() == sum(company) < all_stay.max() / 2
