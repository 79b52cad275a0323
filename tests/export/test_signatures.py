"""Each signature in a C++ session, as TensorFlow Serving has it, against the model in process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_attn.decoding import Greedy, Hypotheses, SuppressTokens
from keras_attn.export import SIGNATURES, TargetScorer, TextToText
from keras_attn.text.cleaning import clean
from keras_attn.text.vocabulary import END


@pytest.fixture(scope="module")
def ask(saved):
    """A signature's name and its inputs -> its outputs. A session knows nothing of Python's objects."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        definitions = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(saved)).signature_def

    def ask(signature, **inputs):
        definition = definitions[signature]
        assert set(definition.inputs) == set(inputs) == set(SIGNATURES[signature].inputs)
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        return session.run({name: info.name for name, info in definition.outputs.items()}, feeds)

    ask.definitions = definitions
    yield ask
    session.close()


@pytest.fixture
def given(lines):
    return np.array([clean(line).encode() for line in lines], object)


def test_they_are_as_documented(ask):
    assert set(ask.definitions) - {"__saved_model_init_op"} == set(SIGNATURES)
    for name, signature in SIGNATURES.items():
        definition = ask.definitions[name]
        for documented, tensors in ((signature.inputs, definition.inputs), (signature.outputs, definition.outputs)):
            assert set(documented) == set(tensors)
            for key, words in documented.items():
                shape, dtype = words.split(":")[0].rsplit(" ", 1)
                assert dtype == tf.as_dtype(tensors[key].dtype).name
                sizes = tensors[key].tensor_shape.dim
                assert len(sizes) == len(shape.strip("()").rstrip(",").split(","))
                assert sizes[0].size == -1
                assert shape.startswith("(batch,")


def test_the_best_output_is_that_of_the_model(ask, translate, lines, given):
    said, wanted = ask("serving_default", text=given), translate(lines)
    assert [text.decode() for text in said["text"]] == wanted.text
    np.testing.assert_allclose(said["score"], wanted.score, rtol=1e-4)
    assert said["truncated"].tolist() == wanted.truncated.tolist()


def test_several_outputs_are_those_of_the_other_search(ask, translate, lines, given):
    said = ask("n_best", text=given)
    assert said["text"].shape == said["score"].shape == said["value"].shape == (len(lines), 3)
    for row, wanted in enumerate(translate.hypotheses(lines)):
        there = len(wanted)
        assert [text.decode() for text in said["text"][row, :there]] == [each.text for each in wanted]
        np.testing.assert_allclose(said["score"][row, :there], [each.score for each in wanted], rtol=1e-4)
        assert (np.diff(said["value"][row]) <= 0).all()
        assert not said["text"][row, there:].any()
    assert said["truncated"].tolist() == translate(lines).truncated.tolist()


def test_what_no_search_found_is_a_number_that_json_has(ask):
    said = ask("n_best", text=[b""])
    assert said["text"].tolist() == [[b"", b"", b""]]
    assert said["score"].tolist() == [[0.0, *[np.finfo("float32").min] * 2]]
    assert np.isfinite(said["value"]).all()


def test_nor_is_a_score_minus_infinity_where_rules_leave_nothing(translate):
    all_words = tuple(range(translate.text.target.size))
    module = TextToText(translate._inside.views, translate.text, Greedy((SuppressTokens(all_words),)))
    said = module.serve(tf.constant(["a man"]))
    assert said["text"].numpy().tolist() == [b""]
    assert said["score"].numpy().tolist() == [np.finfo("float32").min]


@pytest.mark.parametrize("batch", [slice(None), slice(1, 3), slice(1, 2)])
def test_alignments_have_no_more_padding_than_the_longest_needs(ask, translate, lines, given, batch):
    said, wanted = ask("align", text=given[batch]), translate.align(lines[batch])
    longest = [max(len(getattr(each, side)) for each in wanted) for side in ("target_tokens", "source_tokens")]
    assert said["alignment"].shape == (len(wanted), *longest)
    assert said["target_tokens"].shape == (len(wanted), longest[0])
    for row, each in enumerate(wanted):
        target, source = len(each.target_tokens), len(each.source_tokens)
        assert [token.decode() for token in said["target_tokens"][row, :target]] == each.target_tokens
        np.testing.assert_allclose(said["alignment"][row, :target, :source], each.weights, atol=1e-5)
        assert not said["alignment"][row, target:].any()


def test_alignments_are_no_longer_than_what_was_written(views, text):
    """A search's ids are as long as they might have been."""

    def done_early(step, memory, state, limit, request):
        ids = tf.constant([[[5, END, 0, 0, 0]], [[6, 7, END, 0, 0]]])
        return Hypotheses(ids, tf.zeros([2, 1]), tf.zeros([2, 1]))

    said = TextToText(views, text, done_early).serve_alignment(tf.constant(["a man", "women"]))
    assert said["target_tokens"].shape == (2, 3)
    assert said["alignment"].shape[:2] == (2, 3)
    np.testing.assert_allclose(tf.reduce_sum(said["alignment"], -1), [[1, 1, 0], [1, 1, 1]], atol=1e-5)


def test_a_target_scores_what_the_scorer_says(ask, views, text, lines, given):
    targets = ["ein Pferd", "Mann", "", "☕ zwei", "ein Mann reitet ein Pferd " * 9, "x", "Frauen", "essen"]
    scorer = TargetScorer(views, text, max_source_length=20, max_target_length=50)
    said = ask("score", source=given, target=np.array([target.encode() for target in targets], object))
    for row, wanted in enumerate(scorer(lines, targets)):
        count = len(wanted.tokens)
        assert [token.decode() for token in said["target_tokens"][row] if token] == wanted.tokens
        np.testing.assert_allclose(said["token_log_probabilities"][row, :count], wanted.log_p, atol=1e-4)
        assert not said["token_log_probabilities"][row, count:].any()
        assert said["log_probability"][row] == pytest.approx(wanted.total, abs=1e-3)
        assert said["truncated"][row] == wanted.truncated
    assert said["truncated"].tolist() == [False, False, False, True, True, False, False, False]


def test_tokens_there_and_text_back(ask, translate, lines, given):
    said = ask("tokenize", text=given)
    wanted = translate.text.source.encode(lines)
    assert said["ids"].shape == said["tokens"].shape == (len(lines), max(map(len, wanted)))
    for row, ids in enumerate(wanted):
        assert said["ids"][row].tolist() == [*ids, *[0] * (said["ids"].shape[1] - len(ids))]
        assert [token.decode() for token in said["tokens"][row, : len(ids)]] == translate.text.source.pieces(ids)
        assert not said["tokens"][row, len(ids) :].any()


def test_ids_become_text_up_to_the_end(ask, translate):
    (first, second) = translate.text.target.encode(["ein Pferd", "zwei Frauen"])
    row = [*first, END, *second]
    said = ask("detokenize", ids=np.array([row, [*second, *[0] * (len(row) - len(second))]], "int32"))
    assert [text.decode() for text in said["text"]] == ["ein Pferd", "zwei Frauen"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="999"):
        ask("detokenize", ids=np.array([[999]], "int32"))


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_output_has_the_batch_first(ask, signature, count):
    inputs = {name: np.array([b"a horse"] * count, object) for name in SIGNATURES[signature].inputs}
    if signature == "detokenize":
        inputs = {"ids": np.ones((count, 4), "int32")}
    assert {value.shape[0] for value in ask(signature, **inputs).values()} == {count}


def test_the_page_about_exports_names_them_all():
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name, signature in SIGNATURES.items():
        missing = {*signature.inputs, *signature.outputs} - set(rows[name].split("`"))
        if name == "align":  # "as above"
            missing -= set(SIGNATURES["serving_default"].outputs)
        assert not missing
