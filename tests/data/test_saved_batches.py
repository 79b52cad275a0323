"""Batches written to a file and read without TensorFlow and SentencePiece."""

import subprocess
import sys

import numpy as np
import pytest

from keras_attn.data import Epochs, SavedBatches, as_dataset, save_batches
from keras_attn.errors import UserError
from keras_attn.text import Tokenizer

WORDS = ["a", "man", "two", "dogs", "sky", "sea", "rides"]
PAIRS = [
    (" ".join(WORDS[(i + j) % 7] for j in range(1 + i % 9)), " ".join(WORDS[(i * j) % 7] for j in range(1 + i % 7)))
    for i in range(60)
]


@pytest.fixture(scope="module", params=[0.0, 0.3])
def epochs(request):
    text = Tokenizer.train(PAIRS, vocabulary_size=290, model="bpe")
    return Epochs(PAIRS, text, tokens_per_batch=48, shapes=3, sampling=request.param)


@pytest.fixture
def path(epochs, tmp_path):
    save_batches(tmp_path / "batches.npz", epochs, count=3, first_epoch=1)
    return tmp_path / "batches.npz"


def assert_same(got, expected):
    inputs, labels, weights = got
    for part, other in (
        (inputs["source"], expected[0]["source"]),
        (inputs["target"], expected[0]["target"]),
        (labels, expected[1]),
        (weights, expected[2]),
    ):
        assert part.dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(part, other)


def test_the_batches_are_those_of_the_dataset(epochs, path):
    saved = SavedBatches(path)
    dataset = as_dataset(epochs, first_epoch=1)
    for number in (1, 2, 3):
        batches = list(saved.epoch(number))
        assert len(batches) == saved.steps == epochs.steps
        for got, expected in zip(batches, dataset.as_numpy_iterator(), strict=True):
            assert_same(got, expected)
    assert saved.shapes == epochs.plan.shapes
    assert (saved.first_epoch, saved.count) == (1, 3)


def test_an_epoch_goes_on_inside(epochs, path):
    rest = list(SavedBatches(path).epoch(2, first_batch=3))
    assert len(rest) == epochs.steps - 3
    for got, expected in zip(rest, epochs.epoch(2, first_batch=3), strict=True):
        assert_same(got, expected)


def test_it_is_read_with_numpy_alone(path):
    program = (
        "import sys; from keras_attn.data import SavedBatches; print(len(list(SavedBatches(sys.argv[1]).epoch(1))));"
        "assert not {'tensorflow', 'keras', 'sentencepiece'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)


def test_what_is_not_there_is_refused(epochs, path, tmp_path):
    saved = SavedBatches(path)
    for number in (0, 4):
        with pytest.raises(UserError, match=f"epoch: expected 1 to 3, got {number}"):
            saved.epoch(number)
    with pytest.raises(UserError, match="first_batch: expected 0 to"):
        saved.epoch(1, saved.steps)
    with pytest.raises(UserError, match="count: expected 1 or more, got 0"):
        save_batches(path, epochs, count=0)
    (tmp_path / "text").write_text("no batches")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for other in ("text", "other.npz", "missing"):
        with pytest.raises(UserError, match=f"path: expected a file of save_batches, but .*{other} is none"):
            SavedBatches(tmp_path / other)


def test_half_a_file_never_appears(epochs, path, monkeypatch):
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(epochs, "epoch", fail)
    with pytest.raises(OSError, match="No space left"):
        save_batches(path, epochs, count=1)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
