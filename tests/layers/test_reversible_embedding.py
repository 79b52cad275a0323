"""The table of word vectors as the softmax's matrix: what Keras' layer of that name gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import numpy, same

from keras_attn.layers import ReversibleEmbedding


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("more", [{}, {"reverse_dtype": "bfloat16"}, {"tie_weights": False}, {"logit_soft_cap": 2.0}])
def test_logits_are_those_of_keras(n, more):
    ours, theirs = (kind(11, 6, **more) for kind in (ReversibleEmbedding, keras.layers.ReversibleEmbedding))
    ids, vectors = np.arange(2 * n).reshape(2, n), np.random.default_rng(0).normal(size=(2, n, 6)).astype("float32")
    same(numpy(ours(ids)).shape, numpy(theirs(ids)).shape)
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        other.assign(mine)
    same(numpy(ours(ids)), numpy(theirs(ids)))
    logits, wanted = ours(vectors, reverse=True), theirs(vectors, reverse=True)
    assert keras.backend.standardize_dtype(logits.dtype) == keras.backend.standardize_dtype(wanted.dtype)
    same(np.asarray(logits, "float32"), np.asarray(wanted, "float32"), 0.05 if "reverse_dtype" in more else 1e-5)


def test_weights_are_saved_under_the_name_that_keras_gives_them(tmp_path):
    ours = keras.Sequential([keras.Input((None,)), ReversibleEmbedding(11, 6)])
    theirs = keras.Sequential([keras.Input((None,)), keras.layers.ReversibleEmbedding(11, 6)])
    theirs.save_weights(tmp_path / "of.weights.h5")
    ours.load_weights(tmp_path / "of.weights.h5")
    same(numpy(ours.weights), numpy(theirs.weights))
