"""How much of Multi30k's batches is padding."""

import os
from pathlib import Path

import pytest

from keras_attn.data import BatchPlan, EncodedPairs, read_pairs
from keras_attn.text import Tokenizer

FOLDER = Path(os.environ.get("KERAS_ATTN_DATA", "")) / "multi30k"

pytestmark = pytest.mark.skipif(
    not os.environ.get("KERAS_ATTN_DATA"), reason="KERAS_ATTN_DATA names no folder with multi30k/train.en.gz and .de.gz"
)


@pytest.fixture(scope="module")
def encoded():
    pairs = read_pairs(FOLDER / "train.en.gz", FOLDER / "train.de.gz")
    return EncodedPairs.encode(pairs, Tokenizer.train(pairs, vocabulary_size=8000, model="bpe", shared=True))


@pytest.mark.parametrize(("shapes", "most"), [(8, 0.14), (12, 0.10)])
def test_a_few_shapes_waste_little(encoded, shapes, most):
    plan = BatchPlan(encoded.source_lengths + 1, encoded.target_lengths + 1, tokens_per_batch=4096, shapes=shapes)
    assert len(plan.shapes) == shapes
    assert plan.waste < most
