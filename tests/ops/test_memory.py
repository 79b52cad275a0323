"""A cache that is written at a position, and read up to it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import numpy, same

from keras_attn.ops import extend


def leaves(length, seed=0):
    """Key and value (batch 2, heads 3, length, width 5 and 7)."""
    random = np.random.default_rng(seed)
    return {name: random.normal(size=(2, 3, length, width)).astype("float32") for name, width in SHAPES}


SHAPES = (("key", 5), ("value", 7))


@pytest.mark.parametrize(("position", "count"), [(0, 11), (0, 4), (3, 1), (9, 2)])
def test_only_the_places_from_the_position_on_are_written(position, count):
    cache, new = leaves(11), leaves(count, seed=1)
    found = numpy(extend(cache, new["key"], new["value"], position))
    for name, _ in SHAPES:
        wanted = cache[name].copy()
        wanted[:, :, position : position + count] = new[name]
        same(found[name], wanted)


def test_without_a_cache_the_new_ones_are_all_there_is():
    new = leaves(4)
    assert extend(None, new["key"], new["value"], 3) == new


def test_the_position_and_all_lengths_may_be_known_late():
    signature = {name: tf.TensorSpec((None, 3, None, width)) for name, width in SHAPES}
    write = tf.function(
        lambda cache, new, position: extend(cache, new["key"], new["value"], position),
        input_signature=[signature, signature, tf.TensorSpec((), tf.int64)],
    )
    for position, count in ((2, 3), (5, 1), (10, 1), (11, 4), (0, 2)):  # it has what was before, and the new ones
        cache, new = leaves(11), leaves(count, seed=1)
        wanted = {name: np.concatenate([cache[name][:, :, :position], new[name]], 2) for name, _ in SHAPES}
        same(numpy(write(cache, new, position)), wanted)


def test_it_compiles():
    cache, new = leaves(11), leaves(2, seed=1)
    write = tf.function(lambda position: extend(cache, new["key"], new["value"], position), jit_compile=True)
    same(numpy(write(tf.constant(4))), numpy(extend(cache, new["key"], new["value"], 4)))


def test_a_cache_keeps_its_type():
    cache, new = leaves(5), leaves(2)
    half = {name: tf.cast(leaf, "float16") for name, leaf in cache.items()}
    assert {leaf.dtype.name for leaf in extend(half, new["key"], new["value"], 0).values()} == {"float16"}


def test_gradients_go_to_what_was_written_and_to_what_was_kept():
    cache, new = ({name: tf.constant(leaf) for name, leaf in leaves(length).items()} for length in (5, 2))
    with tf.GradientTape() as tape:
        tape.watch([cache, new])
        total = tf.reduce_sum(extend(cache, new["key"], new["value"], 1)["key"])
    kept, written = tape.gradient(total, [cache["key"], new["key"]])
    assert (numpy(written) == 1).all()
    assert (numpy(kept)[:, :, 1:3] == 0).all()
    assert (numpy(kept)[:, :, [0, 3, 4]] == 1).all()
