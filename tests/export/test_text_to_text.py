"""Strings in, strings out: order, batches, limits, and what cannot be read."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill

from keras_attn.decoding import Greedy
from keras_attn.errors import UserError
from keras_attn.text.vocabulary import END

CUT = 20


def test_it_is_tokenize_encode_search_detokenize(translate, lines):
    output = translate(lines)
    assert len(output.text) == len(output.score) == len(output.truncated) == len(lines)
    for index, line in enumerate(lines):
        (ids,) = translate.text.source.encode([line])
        assert output.truncated[index] == (len(ids) > CUT)
        if not len(ids):
            assert (output.text[index], output.score[index]) == ("", 0)
            continue
        encoded = translate.encoder(np.array([[*ids[:CUT], END]], "int32"))
        limit = 2 * len(ids[:CUT]) + 10
        found = Greedy()(translate.step, encoded["memory"], encoded["state"], limit)
        assert output.text[index] == translate.text.target.detokenize(found.ids[:, 0]).numpy()[0].decode()
        np.testing.assert_allclose(output.score[index], found.score[0, 0], rtol=1e-4)
    assert output.truncated.tolist() == [False, False, False, True, *[False] * 4]
    assert len(set(output.text)) > 4


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_size_of_a_batch_changes_nothing(translate, lines, batch_size):
    whole, pieces = translate(lines), translate(lines, batch_size)
    assert pieces.text == whole.text
    np.testing.assert_allclose(pieces.score, whole.score, rtol=1e-4)
    assert (pieces.truncated == whole.truncated).all()


def test_without_scores_the_text_is_the_same(translate, lines):
    scored, plain = translate(lines), translate(lines, scores=False)
    assert plain.text == scored.text
    assert (plain.truncated == scored.truncated).all()
    assert np.isnan(plain.score).all()


def test_lengths_are_what_is_read_of_each(translate, lines):
    wanted = [min(len(ids), CUT) for ids in translate.text.source.encode(lines)]
    assert translate.lengths(lines) == wanted
    assert max(wanted) == CUT


def test_nothing_in_nothing_out(translate):
    output = translate([])
    assert (output.text, output.score.shape, output.truncated.shape) == ([], (0,), (0,))
    assert translate.align([]) == []
    empty = translate([""])
    assert (empty.text, empty.score.tolist(), empty.truncated.tolist()) == ([""], [0.0], [False])


def test_a_source_of_exactly_the_longest_length_is_not_cut(translate):
    def count(words):
        return len(translate.text.source.encode(["x" * words])[0])

    words = next(words for words in range(1, 60) if count(words) == CUT)
    assert translate(["x" * words, "x" * (words + 1)]).truncated.tolist() == [False, True]


def test_what_follows_the_longest_length_is_not_read(translate):
    first, second = translate(["xyz" * 30, "xyz" * 29 + "abc"]).text
    assert first == second != translate(["abc" + "xyz" * 29]).text[0]


def test_alignments_are_where_each_output_token_looked(translate, lines):
    output, alignments = translate(lines), translate.align(lines)
    assert [alignment.text for alignment in alignments] == output.text
    assert [alignment.truncated for alignment in alignments] == output.truncated.tolist()
    np.testing.assert_allclose([alignment.score for alignment in alignments], output.score, rtol=1e-5)
    longest = []
    for line, alignment in zip(lines, alignments, strict=True):
        (ids,) = translate.text.source.encode([line])
        source = [*translate.text.source.pieces(ids[:CUT]), "</s>"]
        assert alignment.source_tokens == source
        assert alignment.weights.shape == (len(alignment.target_tokens), len(source))
        np.testing.assert_allclose(alignment.weights.sum(-1), 1, atol=1e-5)
        if not len(ids):
            assert alignment.target_tokens == []
        else:
            assert len(alignment.target_tokens) <= 2 * (len(source) - 1) + 10
            longest.append(len(alignment.target_tokens) == 2 * (len(source) - 1) + 10)
    assert any(longest)


def test_alignments_are_those_of_the_step(translate):
    (alignment,) = translate.align(["two women"])
    (ids,) = translate.text.source.encode(["two women"])
    encoded = translate.encoder(np.array([[*ids, END]], "int32"))
    found = Greedy()(translate.step, encoded["memory"], encoded["state"], 2 * len(ids) + 10).ids[:, 0]
    length = len(alignment.target_tokens)
    before = np.concatenate([[[2]], found.numpy()[:, : length - 1]], 1).astype("int32")
    step = translate.step({"tokens": tf.constant(before), "position": tf.constant(0), **encoded})
    np.testing.assert_allclose(alignment.weights, step["weights"]["decoder"][0, 0], atol=1e-5)


def test_bytes_that_are_not_utf_8_give_a_best_effort_line(translate):
    given = [b"caf\xe9", b"\xff\xfe\xfd", "café".encode(), b"a\x00b"]
    output = translate.serve(tf.constant(given))
    for text in output["text"].numpy():
        text.decode("utf-8")
    assert translate(["caf\N{REPLACEMENT CHARACTER}"]).text[0].encode() == output["text"].numpy()[0]


@pytest.mark.parametrize("name", ["serve", "serve_alignment"])
@pytest.mark.parametrize("count", [1, 3])
def test_every_output_has_the_batch_first(translate, name, count):
    outputs = getattr(translate, name)(tf.constant(["a horse", "", "two women are eating"][:count]))
    assert {name: tensor.shape[0] for name, tensor in outputs.items()} == dict.fromkeys(outputs, count)
    names = {"text", "score", "truncated"}
    if name == "serve_alignment":
        names |= {"alignment", "source_tokens", "target_tokens"}
    assert set(outputs) == names


@pytest.mark.parametrize("name", ["serve", "serve_alignment"])
def test_a_request_without_a_line_is_answered_without_a_line(translate, name):
    outputs = getattr(translate, name)(tf.constant([], tf.string))
    assert {tensor.shape[0] for tensor in outputs.values()} == {0}


def test_one_string_is_not_a_list_of_strings(translate):
    with pytest.raises(UserError, match="lines: expected a list of strings, got the string 'a horse'; put it in"):
        translate("a horse")


def test_it_follows_the_weights_of_the_views_and_survives_a_seed(translate, lines):
    before = translate(lines)
    weights = [*translate.encoder.weights, *translate.step.weights]
    kept = [weight.numpy() for weight in weights]
    fill(weights, seed=9)
    keras.utils.set_random_seed(1)  # it kills resources of tensorflow-text
    other = translate(lines)
    for weight, value in zip(weights, kept, strict=True):
        weight.assign(value)
    assert other.text != before.text
    assert translate(lines).text == before.text


def test_without_attention_there_is_text_and_no_alignment():
    from keras_attn.export import TextToText
    from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
    from keras_attn.text import Tokenizer

    text = Tokenizer.train([("a man", "ein Mann")], vocabulary_size=300)
    sizes = (text.source.size, text.target.size)
    views = seq2seq(RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7, attention=None), *sizes)
    fill(views.training.weights)
    module = TextToText(views, text, length_factor=0.0, length_extra=3)
    (alignment,) = module.align(["a man"])
    assert alignment.text == module(["a man"]).text[0]
    assert alignment.source_tokens[-1] == "</s>"
    assert len(alignment.target_tokens) <= 3
    assert alignment.weights.shape == (len(alignment.target_tokens), len(alignment.source_tokens))
    assert not alignment.weights.any()
