"""`check_attention` and `check_model` as a user meets them: what they take, print, return and raise."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from testing.honest import Honest

from keras_attn.layers import MultiHeadAttention
from keras_attn.models import RNNDecoder, RNNEncoder, Views, seq2seq
from keras_attn.testing import Broken, Spec, Specimen, check_attention, check_model
from keras_attn.testing.not_applicable import NotApplicable
from keras_attn.testing.promise import Promise
from keras_attn.testing.promises.table import PROMISES
from keras_attn.testing.report import Report
from keras_attn.testing.specimen import CLAIMS, USUAL
from keras_attn.testing.statement import close, finite, holds, same
from keras_attn.testing.subject import Subject


class Halved(Honest):
    def weigh(self, score, mask):
        return super().weigh(score, mask) / 2


def test_the_error_names_layer_promise_and_index():
    with pytest.raises(Broken) as error:
        check_attention(Halved, only=["weights"], show=False)
    first = str(error.value).splitlines()[0]
    wanted = "halved masked: weights: sums of weights over what may be seen at index (0, 0): expected 1, got 0.5"
    assert first.startswith(wanted)
    assert isinstance(error.value, AssertionError)


def test_the_table_says_what_held_what_broke_and_what_does_not_apply(capsys):
    report = check_attention(Halved, only=["weights", "steps", "causal"], strict=False)
    printed = capsys.readouterr().out
    rows = {line.split("│")[1].strip(): line for line in printed.splitlines() if line.startswith("│")}
    assert list(rows) == ["weights", "causal", "steps"]
    assert rows["weights"].count("broken") == 3
    assert [cell.strip() for cell in rows["causal"].split("│")[2:6]] == ["-", "-", "-", "held"]
    assert "halved masked: weights:" in printed
    assert {outcome.promise for outcome in report.broken} == {"weights"}
    reasons = {(outcome.name, outcome.promise): outcome.reason for outcome in report.outcomes}
    assert reasons["halved plain", "weights"] == "no attention weights among the outputs"
    assert reasons["halved plain", "causal"] == "not claimed"


def test_where_no_case_applies_the_table_says_why(capsys):
    check_attention(keras.layers.Attention(), only=["steps", "learning"])
    printed = capsys.readouterr().out
    assert "no weights" in printed
    assert "neither a state goes in and comes out" in printed
    assert "held" not in printed


def test_a_layer_is_made_anew_and_not_touched():
    layer = Honest(scale=2.0)
    layer(np.ones((1, 2, 3), "float32"), np.ones((1, 2, 5), "float32"))
    before = layer.get_weights()
    keras.saving.register_keras_serializable("tests")(Honest)
    assert check_attention(layer, only=["weights", "precision"], show=False).held == ["weights", "precision"]
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_made_anew_keeps_the_policy_of_the_moment_in_its_sublayers_too():
    report = check_attention(MultiHeadAttention(7, 3), only=["precision", "shapes"], show=False)
    assert report.held == ["shapes", "precision"]


def test_any_other_call_comes_as_a_specimen():
    class Mean(keras.layers.Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            weight = keras.ops.cast(mask, inputs.dtype)[..., None]
            return keras.ops.sum(inputs * weight, 1) / keras.ops.maximum(keras.ops.sum(weight, 1), 1)

        def compute_output_shape(self, inputs_shape):
            return (inputs_shape[0], inputs_shape[2])

    with pytest.raises(
        ValueError, match=r"layer: expected `call\(query, value, \.\.\.\)` .* got `call\(inputs, mask\)`"
    ):
        check_attention(Mean)
    arguments = {"inputs": Spec("batch key_length features"), "mask": Spec("batch key_length", "mask")}
    specimen = Specimen("mean", Mean, arguments, Spec("batch features"))
    report = check_attention(
        specimen, only=["padding", "masked rows", "key order", "hidden masks", "no leak"], show=False
    )
    assert report.held == ["padding", "key order", "masked rows", "hidden masks", "no leak"]


@pytest.mark.parametrize("argument", ["only", "claims"])
def test_a_name_that_is_none_is_refused(argument):
    names = {"only": [promise.name for promise in PROMISES], "claims": list(CLAIMS)}[argument]
    with pytest.raises(ValueError, match=f"{argument}: expected some of .*{names[-1]}.*, got nonsense"):
        check_attention(Honest, **{argument: ["nonsense"]})


def test_the_vocabulary_of_a_model_without_one_table_is_asked_for():
    views = seq2seq(RNNEncoder(units=3, embedding=7), RNNDecoder(units=5, embedding=7), 13, 13)
    with pytest.raises(ValueError, match="source_vocabulary: expected an encoder with one Embedding, got 2"):
        check_model(Views(views.training, views.training, views.step))


# Promises


def verdict(look):
    return Promise("it", "does", look).judge(Subject(Specimen("layer", Honest, {}, None)))


def test_nothing_compared_is_not_held():
    outcome = verdict(lambda subject: iter(()))
    assert (outcome.verdict, outcome.reason) == ("-", "there was nothing to compare")
    assert verdict(lambda subject: [same("nothing", [], [])]).verdict == "-"
    report = Report("it", [Promise("it", "does", iter)], [outcome])
    assert report.held == []


def test_a_promise_that_does_not_apply_says_why():
    def look(subject):
        raise NotApplicable("too young")
        yield

    assert (verdict(look).verdict, verdict(look).reason) == ("-", "too young")


def test_what_a_layer_raises_breaks_the_promise():
    def look(subject):
        yield same("one", [1], [1])
        raise ValueError("\x1b[1mfirst line\x1b[0m\nsecond")

    outcome = verdict(look)
    assert (outcome.verdict, str(outcome)) == ("broken", "layer: it: ValueError: first line")
    assert isinstance(outcome.error, ValueError)


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (same("x", [1.0, 2.0], [1.0, 2.0]), None),
        (same("x", [1.0, 2.0], [1.0, 2.1]), (1,)),
        (same("x", [1.0, 2.0], [1.0, 2.1], 0.1), None),
        (same("x", [[np.nan]], [[np.nan]]), (0, 0)),
        (same("x", [1.0], [[1.0]]), ()),
        (close("x", [100.0, 0.5], [100.0, 0.0], 0.01), None),
        (close("x", [1.0, 0.5], [1.0, 0.0], 0.01), (1,)),
        (close("x", [np.nan], [0.0], 9.0), (0,)),
        (finite("x", [0.0, np.inf]), (1,)),
        (holds("x", np.array([[True], [False]]), np.zeros((2, 3)), "0"), (1, 0)),
    ],
)
def test_statements(statement, index):
    assert statement.first == index


def test_claims_of_the_usual_layer_are_claims():
    assert set(CLAIMS) > USUAL
