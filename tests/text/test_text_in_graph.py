"""The TensorFlow side of a vocabulary gives what its Python side gives: eagerly, in tf.data, in a SavedModel."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_attn.text import Tokenizer, Vocabulary
from keras_attn.text.vocabulary import END, PADDING, START

LINES = ["a man is riding a horse", "two  dogs  run   fast ", "日本語 の テキスト", "ação über", "x\ty"] * 3
KINDS = list(itertools.product(("unigram", "bpe", "char", "word"), ("nfkc", "none"), (True, False)))
NASTY = [
    "", " ", "  ", " a", "a ", "a  b", "\t", "a\nb", "\r\n", "\x00", "a\x00b", "\x01\x7f",
    "\u2581", "a\u2581b", "\u2581\u2581x", "\u2585", "\u2047", "\ufffd", "\u2028", "\ufeffa", "\u3000x",
    "<s>", "<s> <unk> </s>", "<pad>", "<0x41>", "a <0x41>", "שלום עולם", "\u202eabc\u202c",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "e\u0301\u0301", "ﬁ ｱ ㎏",
    "\u1112\u1161", "क्षि", "\U0010ffff", "\u0378", "xyz" * 3000, "é b  " * 2000, "\u2581" * 300,
]  # fmt: skip
any_text = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from([*NASTY[:-3], "man", "日"]), max_size=6).map("".join)
)


@pytest.fixture(scope="module")
def vocabularies():
    return {
        (model, normalization, fallback): Vocabulary.train(
            LINES, size=400, model=model, normalization=normalization, byte_fallback=fallback
        )
        for model, normalization, fallback in KINDS
    }


@pytest.fixture(scope="module")
def vocabulary(vocabularies):
    return vocabularies["unigram", "nfkc", True]


def encode(vocabulary, texts):
    return [row.tolist() for row in vocabulary.encode(texts)]


def utf8(texts):
    return [text.encode() for text in texts]


def test_tokenize_equals_encode_for_nasty_text(vocabularies):
    for vocabulary in vocabularies.values():
        ragged = vocabulary.tokenize(NASTY)
        assert ragged.dtype == tf.int32
        assert ragged.to_list() == encode(vocabulary, NASTY)


def test_detokenize_equals_decode_for_nasty_text(vocabularies):
    for vocabulary in vocabularies.values():
        decoded = utf8(vocabulary.decode(vocabulary.encode(NASTY)))
        ragged = vocabulary.tokenize(NASTY)
        assert vocabulary.detokenize(ragged).numpy().tolist() == decoded
        assert vocabulary.detokenize(ragged.to_tensor(PADDING)).numpy().tolist() == decoded


@given(texts=st.lists(any_text, max_size=20))
@settings(max_examples=25, deadline=None)
def test_tokenize_equals_encode_for_any_text(vocabularies, texts):
    for vocabulary in vocabularies.values():
        ragged = vocabulary.tokenize(tf.constant(texts, tf.string, [len(texts)]))
        assert ragged.to_list() == encode(vocabulary, texts)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_detokenize_equals_decode_for_any_ids(vocabularies, data):
    """Also for bytes that are no UTF-8, which a model is free to write."""
    vocabulary = vocabularies[data.draw(st.sampled_from(KINDS))]
    some_id = st.integers(0, vocabulary.size - 1).filter(lambda i: i != END)
    some_byte = st.integers(4, min(259, vocabulary.size - 1))
    rows = data.draw(st.lists(st.lists(some_id | some_byte, max_size=12), min_size=1, max_size=10))
    ragged = tf.ragged.constant(rows, tf.int32, ragged_rank=1)
    assert vocabulary.detokenize(ragged).numpy().tolist() == utf8(vocabulary.decode(rows))


@given(raw=st.lists(st.binary(max_size=12), min_size=1))
@settings(max_examples=40, deadline=None)
def test_tokenize_takes_any_bytes(vocabulary, raw):
    """Strings that are not UTF-8 exist in TensorFlow only; they come back as valid text."""
    back = vocabulary.detokenize(vocabulary.tokenize(raw)).numpy().tolist()
    for before, after in zip(raw, back, strict=True):
        after.decode()
        try:
            assert after.decode() == vocabulary.normalize(before.decode())
        except UnicodeDecodeError:
            assert "\ufffd" in after.decode()


def test_detokenize_stops_at_the_first_end(vocabulary):
    man, horse = vocabulary.encode(["a man", "a horse"])
    ids = tf.ragged.constant([[START, *man, END, *horse], [END, *man], [PADDING, *man], [*horse, END, END]])
    assert vocabulary.detokenize(ids).numpy().tolist() == [b"a man", b"", b"a man", b"a horse"]
    assert vocabulary.detokenize(tf.cast(ids, tf.int64)).numpy().tolist() == [b"a man", b"", b"a man", b"a horse"]


def test_empty_batches(vocabulary):
    assert vocabulary.tokenize(tf.zeros([0], tf.string)).to_list() == []
    assert vocabulary.detokenize(tf.zeros([0, 5], tf.int32)).shape == (0,)
    assert vocabulary.detokenize(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]


@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (2, 3, 5)])
def test_lookup_pieces_keeps_the_shape(vocabulary, shape):
    ids = np.random.default_rng(0).integers(0, vocabulary.size, shape).astype(np.int32)
    pieces = vocabulary.lookup_pieces(ids)
    assert pieces.shape == shape
    assert pieces.numpy().reshape(-1).tolist() == utf8(vocabulary.pieces(ids.reshape(-1))) if shape else True
    assert tf.function(vocabulary.lookup_pieces).get_concrete_function(tf.constant(ids)).output_shapes == shape


def test_lookup_pieces_of_ragged_ids(vocabulary):
    ragged = vocabulary.lookup_pieces(vocabulary.tokenize(["a man", ""]))
    assert ragged.to_list() == [utf8(vocabulary.pieces(vocabulary.encode(["a man"])[0])), []]


def test_ids_of_another_vocabulary_are_refused(vocabulary):
    with pytest.raises(tf.errors.InvalidArgumentError):
        vocabulary.detokenize([[vocabulary.size]])


def dataset_ids(vocabulary, dataset):
    return [row for batch in dataset.map(vocabulary.tokenize) for row in batch.to_list()]


RESETS = {
    "keras seed": lambda: keras.utils.set_random_seed(1),
    "tf seed": lambda: tf.random.set_seed(1),
    "clear session": keras.backend.clear_session,
}


@pytest.mark.parametrize("reset", RESETS.values(), ids=RESETS)
def test_nothing_breaks_when_a_seed_is_set(vocabulary, reset):
    dataset = tf.data.Dataset.from_tensor_slices(NASTY).batch(4)
    mapped = dataset.map(vocabulary.tokenize)
    running = iter(mapped)
    rows = next(running).to_list()
    eager = vocabulary.tokenize(NASTY).to_list()
    reset()
    assert vocabulary.tokenize(NASTY).to_list() == eager == encode(vocabulary, NASTY)
    assert vocabulary.detokenize(vocabulary.tokenize(["a man"])).numpy().tolist() == [b"a man"]
    assert rows + [row for batch in running for row in batch.to_list()] == eager, "a pass that had begun"
    assert [row for batch in mapped for row in batch.to_list()] == eager, "a pipeline made before"
    assert dataset_ids(vocabulary, dataset) == eager, "a pipeline made after"


def test_a_parallel_pipeline_gives_the_same(vocabulary):
    dataset = tf.data.Dataset.from_tensor_slices(NASTY * 20).batch(3)
    parallel = dataset.map(vocabulary.tokenize, num_parallel_calls=4)
    assert [row for batch in parallel for row in batch.to_list()] == encode(vocabulary, NASTY * 20)


class Translator(tf.Module):
    """Holds a tokenizer and uses both of its sides."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, strings):
        ids = self.text.source.tokenize(strings)
        target = self.text.target.tokenize(self.text.source.detokenize(ids))
        return {
            "ids": ids.to_tensor(PADDING),
            "text": self.text.target.detokenize(target),
            "pieces": self.text.source.lookup_pieces(ids.to_tensor(PADDING)),
        }


def test_a_saved_model_has_the_vocabulary_in_it(vocabularies, tmp_path):
    """Two, in fact, and moved, and loaded where this package is not imported: each gives its own ids."""
    text = Tokenizer(vocabularies["unigram", "nfkc", True], vocabularies["bpe", "nfkc", True])
    module = Translator(text)
    keras.utils.set_random_seed(3)
    tf.saved_model.save(module, str(tmp_path / "first"), signatures=module.serve)
    (tmp_path / "first").rename(tmp_path / "moved")
    program = """
import sys, numpy, tensorflow as tf, tensorflow_text
assert not any(name.startswith("keras_attn") for name in sys.modules)
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
texts = tf.constant(numpy.load(sys.argv[2]).tolist())
tf.random.set_seed(7)
out = served(texts)
numpy.savez(sys.argv[3], **{name: value.numpy().astype("S") if value.dtype == tf.string else value for name, value in
    out.items()})
"""
    texts = [text for text in NASTY if "\x00" not in text and len(text) < 200]  # NumPy's strings end at a NUL
    np.save(tmp_path / "texts.npy", np.array(utf8(texts)))
    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "moved", tmp_path / "texts.npy", tmp_path / "out.npz"],
        check=True,
        cwd=tmp_path,
    )
    out = np.load(tmp_path / "out.npz")
    expected = encode(text.source, texts)
    assert [row[: len(ids)].tolist() for row, ids in zip(out["ids"], expected, strict=True)] == expected
    normalized = [text.source.normalize(line) for line in texts]
    assert out["text"].tolist() == utf8(text.target.decode(text.target.encode(normalized)))
    assert out["pieces"][5].tolist()[:2] == utf8(text.source.pieces(expected[5]))[:2]


def test_a_keras_layer_can_hold_one(vocabulary, tmp_path):
    """As a plain attribute, used in the layer's call: nothing to track, nothing to lose."""

    class Tokenize(keras.layers.Layer):
        def call(self, strings):
            return vocabulary.tokenize(strings).to_tensor(PADDING)

    layer = Tokenize()
    assert layer(tf.constant(["a man"])).numpy().tolist() == encode(vocabulary, ["a man"])
