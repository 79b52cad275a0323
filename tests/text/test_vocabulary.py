import copy
import io
import itertools
import logging
import pickle
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_attn.errors import UserError
from keras_attn.text import Vocabulary
from keras_attn.text.vocabulary import END, PADDING, START, UNKNOWN

LINES = [
    "a man is riding a horse",
    "two  dogs  run   fast ",
    " the sea is blue, and the sky?",
    "日本語 の テキスト",
    "ação e coração — über ähnlich",
    "tab\there",
    "x = (y + 1) * 2",
] * 3
KINDS = list(itertools.product(("unigram", "bpe", "char", "word"), ("nfkc", "none")))
NASTY = [
    "", " ", "  ", "a", " a", "a ", "a  b", "\t", "a\tb", "a\nb", "\r\n", "\x00", "a\x00b", "\x01\x7f", "\x85",
    "\u2581", "a\u2581b", "\u2581\u2581x", "\u2585", "\u2047", " \u2047 ", "\ufffd", "\u2028", "\ufeffa",
    "\u3000x", "\u00a0", "<s>", "<s> <unk>", "</s>", "<pad>", "<0x41>", "a <0x41> <0x00>", "שלום עולם",
    "\u202eabc\u202c", "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "e\u0301\u0301\u0301", "ﬁ ｱ ㎏", "\u1112\u1161", "क्षि", "\ud800", "a\udfffb", "\ud83d\ude00", "\U0010ffff",
    "\u0378", "xyz" * 3000, "é b  " * 2000, "a" * 10_000, "\u2581" * 300,
]  # fmt: skip
any_text = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*NASTY[:-4], "a", " ", "man", "日"]), max_size=6).map("".join),
)


@pytest.fixture(scope="session")
def vocabularies():
    """Byte fallback on, every kind of model."""
    return {
        (model, normalization): Vocabulary.train(LINES, size=400, model=model, normalization=normalization)
        for model, normalization in KINDS
    }


def reference_normalize(text, normalization):
    """What Python's own Unicode tables say."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = unicodedata.normalize("NFKC", text) if normalization == "nfkc" else text
    return text.replace("\u2581", " ")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_nasty_text_comes_back_normalized(vocabularies, kind):
    vocabulary = vocabularies[kind]
    assert vocabulary.decode(vocabulary.encode(NASTY)) == [vocabulary.normalize(text) for text in NASTY]


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@given(texts=st.lists(any_text, max_size=8))
@settings(max_examples=20, deadline=None)
def test_any_text_comes_back_normalized(vocabularies, kind, texts):
    vocabulary = vocabularies[kind]
    assert vocabulary.decode(vocabulary.encode(texts)) == [vocabulary.normalize(text) for text in texts]


def test_every_character_is_normalized_as_unicode_says(vocabularies):
    """Runs of combining marks are not put in order, so characters one by one."""
    known = [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    old = [c for c in known if unicodedata.ucd_3_2_0.category(c) != "Cn"]  # later Unicode versions may differ
    for kind in (("unigram", "nfkc"), ("word", "none")):
        different = [c for c in old if vocabularies[kind].normalize(c) != reference_normalize(c, kind[1])]
        assert different == []
    assert vocabularies["unigram", "nfkc"].normalize("e\u0301 \u1112\u1161\u11ab") == "é 한"


def test_without_normalization_only_the_piece_for_a_space_changes(vocabularies):
    vocabulary = vocabularies["unigram", "none"]
    for text in NASTY:
        assert vocabulary.normalize(text) == reference_normalize(text, "none")
    assert vocabulary.normalize("ﬁ  ｱ\u00a0 \x00") == "ﬁ  ｱ\u00a0 \x00"


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_ids_are_those_of_sentencepiece(vocabularies, kind):
    vocabulary = vocabularies[kind]
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.model_bytes)
    texts = [text for text in NASTY if not any("\ud800" <= c <= "\udfff" for c in text)]
    ids = vocabulary.encode(texts)
    assert [row.tolist() for row in ids] == [processor.encode(text) for text in texts]
    assert {row.dtype for row in ids} == {np.dtype(np.int32)}
    if kind[0] != "word":  # there SentencePiece itself leaves the piece for a space standing
        assert vocabulary.decode(ids) == [processor.decode(row.tolist()) for row in ids]


@pytest.mark.parametrize("model", ["unigram", "bpe", "char", "word"])
@pytest.mark.parametrize("byte_fallback", [True, False])
def test_what_was_seen_comes_back_with_its_spaces(model, byte_fallback):
    vocabulary = Vocabulary.train(LINES, size=2000, model=model, byte_fallback=byte_fallback, normalization="none")
    ids = vocabulary.encode(LINES)
    assert vocabulary.decode(ids) == LINES
    assert "two  dogs  run   fast " in LINES
    assert all(UNKNOWN not in row for row in ids)


@given(text=st.text(sorted(set("".join(LINES))), max_size=50))
@example("  a  ")
@settings(max_examples=20, deadline=None)
def test_without_bytes_all_strings_of_seen_characters_come_back(no_bytes, text):
    for vocabulary in no_bytes:
        assert vocabulary.decode(vocabulary.encode([text])) == [vocabulary.normalize(text)]


@pytest.fixture(scope="session")
def no_bytes():
    return [Vocabulary.train(LINES, size=200, model=m, byte_fallback=False) for m in ("unigram", "bpe", "char")]


def test_without_bytes_the_unseen_is_unknown(no_bytes):
    for vocabulary in no_bytes:
        (ids,) = vocabulary.encode(["a ☃ a"])
        assert UNKNOWN in ids
        assert vocabulary.decode([ids]) == ["a  \u2047  a"]


def test_special_ids_and_their_pieces(vocabularies):
    assert (PADDING, UNKNOWN, START, END) == (0, 1, 2, 3)
    for vocabulary in vocabularies.values():
        assert vocabulary.pieces([0, 1, 2, 3]) == ["<pad>", "<unk>", "<s>", "</s>"]
        assert not any(np.isin(row, [PADDING, START, END]).any() for row in vocabulary.encode(NASTY))


def test_decode_leaves_out_padding_start_and_end_wherever_they_are(vocabularies):
    vocabulary = vocabularies["bpe", "nfkc"]
    (man,) = vocabulary.encode(["a man"])
    assert vocabulary.decode([[START, *man[:1], END, PADDING, *man[1:], END, PADDING], []]) == ["a man", ""]


def test_pieces_are_readable(vocabularies):
    vocabulary = vocabularies["word", "nfkc"]
    assert vocabulary.pieces(vocabulary.encode(["a man"])[0]) == ["\u2581a", "\u2581man"]
    assert vocabulary.pieces(vocabulary.encode(["☃"])[0])[-3:] == ["<0xE2>", "<0x98>", "<0x83>"]


@pytest.mark.parametrize("ids", [[[400]], [[-1]], [[5], [10**9]]])
def test_ids_of_another_vocabulary_are_refused(vocabularies, ids):
    vocabulary = vocabularies["bpe", "nfkc"]
    assert vocabulary.size == 400
    with pytest.raises(UserError, match="expected 0 to 399"):
        vocabulary.decode(ids)


def test_a_bare_string_is_refused(vocabularies):
    with pytest.raises(UserError, match="list of strings"):
        vocabularies["bpe", "nfkc"].encode("a man")


def test_copies_and_pickles_are_equal_vocabularies(vocabularies):
    vocabulary = vocabularies["unigram", "nfkc"]
    for twin in (copy.deepcopy(vocabulary), pickle.loads(pickle.dumps(vocabulary))):
        assert twin.model_bytes == vocabulary.model_bytes
        assert twin.encode(["a man"])[0].tolist() == vocabulary.encode(["a man"])[0].tolist()


def test_python_side_needs_no_tensorflow(vocabularies, tmp_path):
    (tmp_path / "v.model").write_bytes(vocabularies["unigram", "nfkc"].model_bytes)
    program = (
        "import sys; from keras_attn.text import Vocabulary\n"
        "v = Vocabulary(open(sys.argv[1], 'rb').read())\n"
        "assert v.decode(v.encode(['a man'])) == ['a man']\n"
        "assert 'tensorflow' not in sys.modules, 'tensorflow was imported'\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "v.model"], check=True)


@pytest.mark.parametrize("junk", [b"", b"not a model", b"\x00" * 100])
def test_bytes_that_are_no_model_are_refused(junk):
    with pytest.raises(UserError, match="model_bytes"):
        Vocabulary(junk)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"pad_id": 3, "eos_id": 0}, "0, 1, 2, 3"), ({"pad_id": 0, "eos_id": 3, "add_dummy_prefix": False}, "in front")],
)
def test_models_of_another_make_are_refused(options, message):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=buffer, vocab_size=90, hard_vocab_limit=False, unk_id=1, bos_id=2,
        minloglevel=2, **options,
    )  # fmt: skip
    with pytest.raises(UserError, match=message):
        Vocabulary(buffer.getvalue())


# --- Training ---


@pytest.mark.parametrize("model", ["unigram", "bpe", "char", "word"])
def test_training_is_repeatable(model):
    first, second = (Vocabulary.train(iter(LINES), size=300, model=model).model_bytes for _ in range(2))
    assert first == second


@pytest.mark.parametrize("model", ["unigram", "bpe", "char", "word"])
@pytest.mark.parametrize("byte_fallback", [True, False])
@pytest.mark.parametrize("lines", [["a"], ["a b"], ["aaaa"], ["日本語"] * 3, ["a\tb"], ["", "x"], ["\u2581y"]])
def test_tiny_text_shrinks_the_vocabulary_and_says_so(model, byte_fallback, lines, caplog):
    with caplog.at_level(logging.INFO, "keras_attn"):
        vocabulary = Vocabulary.train(lines, size=8000, model=model, byte_fallback=byte_fallback)
    assert vocabulary.size < 300
    assert f"allows {vocabulary.size} pieces" in caplog.text
    assert vocabulary.decode(vocabulary.encode(lines)) == [vocabulary.normalize(line) for line in lines]


@pytest.mark.parametrize("model", ["unigram", "bpe", "char", "word"])
def test_size_is_exact_where_the_text_allows_it(model):
    words = [" ".join(f"{a}{b}{c}" for c in "aeiou") for a in "bcdfg" for b in "lmnpqr"]
    size = 265 if model == "char" else 301
    assert Vocabulary.train(words, size=size, model=model).size == size


def test_many_characters_and_few_pieces_fall_back_to_bytes():
    chinese = ["".join(chr(0x4E00 + (i * i + 7 * j) % 900) for j in range(20)) for i in range(200)]
    for model in ("unigram", "bpe", "char"):
        vocabulary = Vocabulary.train(chinese, size=400, model=model)
        assert vocabulary.size == 400
        assert vocabulary.decode(vocabulary.encode(chinese)) == chinese
    with pytest.raises(UserError, match="try a larger size or byte_fallback=True"):
        Vocabulary.train(chinese, size=400, byte_fallback=False)


def test_frequent_characters_get_the_pieces_when_they_are_few():
    lines = ["好" * 20 + chr(0x4E00 + i) for i in range(400)]
    vocabulary = Vocabulary.train(lines, size=270, normalization="none")
    assert len(vocabulary.encode(["好"])[0]) <= 2
    assert len(vocabulary.encode([chr(0x4E00 + 399)])[0]) >= 3


def test_a_line_is_not_lost_for_one_character_that_cannot_be_learned():
    for model in ("char", "word"):
        vocabulary = Vocabulary.train(["bcd\0efg", "hij\u2585klm"], model=model, byte_fallback=False)
        for row in vocabulary.encode(["bcd", "efg", "hij", "klm"]):
            assert UNKNOWN not in row


def test_rare_characters_cost_no_word_its_piece():
    lines = ["der hund und das haus"] * 300 + ["straße"] * 2
    for model, pieces in (("word", 1), ("char", 7)):
        vocabulary = Vocabulary.train(lines, model=model)
        assert len(vocabulary.encode(["straße"])[0]) == pieces


def test_one_long_and_repetitive_line_trains():
    for text in ("word " * 4000, "あいうえお" * 2000):
        for model in ("unigram", "bpe", "char", "word"):
            vocabulary = Vocabulary.train([text], model=model)
            assert vocabulary.decode(vocabulary.encode([text])) == [text]


def test_sampling_is_seeded_and_fair():
    lines = [f"{'abcdefghij'[i // 100]}{i}" for i in range(1000)]
    seen = [Vocabulary.train(iter(lines), model="char", max_lines=20, seed=seed) for seed in (0, 0, 1)]
    assert seen[0].model_bytes == seen[1].model_bytes
    assert seen[0].model_bytes != seen[2].model_bytes
    assert len(seen[0].encode(["j"])[0]) + len(seen[2].encode(["j"])[0]) < 2 + 2 + 1, "late lines are drawn as well"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "wordpiece"}, "model: expected one of"),
        ({"normalization": "nfd"}, "normalization: expected one of"),
        ({"size": 261}, "size: expected at least 262"),
        ({"size": 5, "byte_fallback": False}, "size: expected at least 6"),
        ({"max_lines": 0}, "max_lines"),
        ({"lines": []}, "expected text"),
        ({"lines": ["", "  ", "\t"]}, "expected text"),
        ({"lines": "a man"}, "a single one"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(UserError, match=message):
        Vocabulary.train(**{"lines": LINES} | options)
