import os

import pytest

from keras_attn.errors import UserError
from keras_attn.text import Tokenizer, Vocabulary

PAIRS = [("a man rides a horse", "ein Mann reitet ein Pferd"), ("two dogs", "zwei Hunde"), ("the sky", "der Himmel")]


@pytest.fixture(scope="module")
def text():
    return Tokenizer.train(PAIRS, vocabulary_size=320)


@pytest.fixture(scope="module")
def other():
    return Tokenizer.train([(target, source) for source, target in PAIRS], vocabulary_size=310)


@pytest.fixture(scope="module")
def shared():
    return Tokenizer.train(PAIRS, vocabulary_size=320, shared=True)


def same(first, second):
    return first.fingerprint == second.fingerprint and first.shared == second.shared


def test_each_side_learns_its_own_language(text):
    assert not text.shared
    assert text.source.model_bytes == Vocabulary.train([s for s, _ in PAIRS], size=320).model_bytes
    assert text.target.model_bytes == Vocabulary.train([t for _, t in PAIRS], size=320).model_bytes


def test_shared_learns_from_both(shared):
    assert shared.shared
    assert shared.source is shared.target
    lines = [line for pair in PAIRS for line in pair]
    assert shared.source.model_bytes == Vocabulary.train(lines, size=320).model_bytes


def test_sizes_of_the_sides():
    text = Tokenizer.train(PAIRS, vocabulary_size=275, target_size=270)
    assert (text.source.size, text.target.size) == (275, 270)
    assert Tokenizer.train(PAIRS, source_size=280, shared=True).source.size == 280
    with pytest.raises(UserError, match="one size for a shared vocabulary, got 290 and 300"):
        Tokenizer.train(PAIRS, source_size=290, target_size=300, shared=True)


def test_options_reach_both_sides():
    text = Tokenizer.train(PAIRS, model="char", normalization="none", byte_fallback=False)
    for vocabulary, line in ((text.source, "a ﬁ"), (text.target, "e ﬁ")):
        assert vocabulary.normalize(line) == line
        assert len(vocabulary.encode([line])[0]) == 4
        assert vocabulary.size < 50


def test_the_target_may_be_normalized_otherwise():
    text = Tokenizer.train(PAIRS, vocabulary_size=300, target_normalization="none")
    assert text.source.normalize("ﬁ") == "fi"
    assert text.target.normalize("ﬁ") == "ﬁ"


@pytest.mark.parametrize("shared", [True, False])
def test_a_generator_is_enough(shared):
    once = Tokenizer.train((pair for pair in PAIRS), vocabulary_size=320, shared=shared)
    assert same(once, Tokenizer.train(PAIRS, vocabulary_size=320, shared=shared))


def test_fingerprint_tells_what_the_ids_are(text, other, shared):
    assert text.fingerprint == Tokenizer(text.source, text.target).fingerprint
    twice = Tokenizer(text.source, text.source)
    assert len({text.fingerprint, other.fingerprint, shared.fingerprint, twice.fingerprint}) == 4
    assert len(bytes.fromhex(text.fingerprint)) == 32


def test_save_and_load(text, shared, tmp_path):
    text.save(tmp_path / "deep" / "text")
    shared.save(str(tmp_path / "shared"))
    assert sorted(os.listdir(tmp_path / "deep" / "text")) == ["source.model", "target.model"]
    assert os.listdir(tmp_path / "shared") == ["shared.model"]
    assert sorted(os.listdir(tmp_path)) == ["deep", "shared"], "nothing temporary stays"
    assert same(Tokenizer.load(tmp_path / "deep" / "text"), text)
    assert same(Tokenizer.load(str(tmp_path / "shared")), shared)


def test_saving_over_another_replaces_it_and_nothing_else(text, other, shared, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for each in (text, shared, other, shared, text):
        each.save(tmp_path)
        assert same(Tokenizer.load(tmp_path), each)
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "source.model", "target.model"]


def test_other_users_may_read_what_was_saved(text, tmp_path):
    (tmp_path / "plain").mkdir()
    text.save(tmp_path / "text")
    assert (tmp_path / "text").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("fails_at", range(6))
def test_an_interrupted_save_never_mixes_two_tokenizers(text, other, tmp_path, monkeypatch, fails_at):
    text.save(tmp_path / "text")
    steps = 0

    def interrupted(function):
        def run(*args, **kwargs):
            nonlocal steps
            steps += 1
            if steps > fails_at:
                raise OSError(28, "No space left on device")
            return function(*args, **kwargs)

        return run

    with monkeypatch.context() as patch:
        for owner, name in (
            (os, "replace"),
            (os, "unlink"),
            (type(tmp_path), "write_bytes"),
            (type(tmp_path), "unlink"),
        ):
            patch.setattr(owner, name, interrupted(getattr(owner, name)))
        with pytest.raises(OSError, match="No space"):
            other.save(tmp_path / "text")
    if {"source.model", "target.model"} <= set(os.listdir(tmp_path / "text")):
        assert same(Tokenizer.load(tmp_path / "text"), text)
    else:
        with pytest.raises(UserError, match="cannot be read"):
            Tokenizer.load(tmp_path / "text")


def test_loading_what_is_not_there_says_so(text, tmp_path):
    with pytest.raises(UserError, match=r"source\.model cannot be read \(No such file"):
        Tokenizer.load(tmp_path / "nowhere")
    text.save(tmp_path)
    (tmp_path / "target.model").unlink()
    with pytest.raises(UserError, match=r"target\.model cannot be read"):
        Tokenizer.load(tmp_path)
    (tmp_path / "target.model").write_bytes(text.target.model_bytes[:1000])
    with pytest.raises(UserError, match=r"target\.model is damaged"):
        Tokenizer.load(tmp_path)
