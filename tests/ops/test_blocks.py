"""Blocks and what is around them, beside slices of a sequence with zeros at both ends."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy

from keras_attn.ops import blocks

sizes = pytest.mark.parametrize(
    ("length", "block", "before", "after"), [(11, 3, 2, 2), (12, 3, 7, 0), (1, 5, 1, 1), (13, 5, 0, 0), (7, 2, 5, 4)]
)


def sequence(length):
    return np.arange(1, 2 * length * 3 + 1).reshape(2, length, 3)


def neighborhoods(x, length, block, before, after):
    """(batch, blocks, before + block + after, ...), by slices."""
    count = -(-length // block)
    longer = np.pad(x, ((0, 0), (before, count * block + after), (0, 0)))
    return np.stack([longer[:, i * block : i * block + before + block + after] for i in range(count)], 1)


@sizes
def test_blocks_are_slices(length, block, before, after):
    x = sequence(length)
    assert (numpy(blocks.cut(x, block)) == neighborhoods(x, length, block, 0, 0)).all()


@sizes
@pytest.mark.parametrize("more", [-1, 0, 1, 9])
def test_neighborhoods_are_longer_slices(length, block, before, after, more):
    x = sequence(max(length + more, 1))
    found = numpy(blocks.around(x, length, block, before, after))
    count = -(-length // block)
    cut = np.pad(x, ((0, 0), (0, 30), (0, 0)))
    wanted = neighborhoods(cut, length, block, before, after)
    assert found.shape == wanted.shape == (2, count, before + block + after, 3)
    assert (found == wanted).all()


@sizes
def test_neighborhoods_of_unknown_lengths(length, block, before, after):
    cut = tf.function(
        lambda x: blocks.around(x, tf.shape(x)[1], block, before, after),
        input_signature=[tf.TensorSpec((None, None, 3), tf.int64)],
    )
    x = sequence(length)
    assert (numpy(cut(x)) == neighborhoods(x, length, block, before, after)).all()


@pytest.mark.parametrize(
    ("start", "length", "block", "before"), [(0, 11, 3, 2), (4, 5, 2, 3), (9, 1, 1, 12), (9, 8, 3, 2)]
)
def test_neighborhoods_inside_a_longer_sequence(start, length, block, before):
    x = sequence(17)
    place = numpy(blocks.places(start, length, block, before))
    found = numpy(blocks.gather(x, place))
    for index, row in enumerate(place):
        first = start + index * block
        assert row.tolist() == list(range(first - before, first + block))
        there = (row >= 0) & (row < 17)
        assert (found[:, index][:, there] == x[:, row[there]]).all()


@pytest.mark.parametrize(("block", "width"), [(5, 3), (1, 4), (3, 1), (4, 11)])
def test_the_band_is_what_is_near(block, width):
    near = numpy(blocks.near(block, width))
    x = np.random.default_rng(0).normal(size=(2, 3, block, block + width - 1))
    band = numpy(blocks.band(x, width))
    assert (band == np.stack([x[:, :, i, i : i + width] for i in range(block)], 2)).all()
    assert (band.reshape(2, 3, -1) == x[:, :, near]).all()
