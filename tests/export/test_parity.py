"""The check of an export in a clean process: it passes what is equal, and sees what is not."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from catalogue import fill

from keras_attn.errors import UserError
from keras_attn.export import Agreement, Output, compare, parity


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of the export that a test may write to."""
    return shutil.copytree(saved, tmp_path / "1")


def test_an_export_says_what_the_model_says_without_this_package(translate, copy, lines):
    found = compare(translate, copy, lines, batch_size=3)
    assert set(found.ways) == {"tf.saved_model.load", "C++ session"}
    for way in found.ways.values():
        assert (way.sentences, way.identical, way.differences) == (len(lines), len(lines), [])
        assert way.largest_score_difference < 1e-4
    assert found.holds
    assert set(found.modules) == {"tensorflow", "tensorflow_text"}
    assert set(found.seconds) == {"import", *found.ways}
    kept = json.loads((copy / "assets.extra" / "parity.json").read_text("utf-8"))
    assert kept["ways"]["C++ session"]["identical"] == len(lines)
    assert f"C++ session: {len(lines)} of {len(lines)} outputs identical, 0 ties" in str(found)


def test_other_weights_are_seen(translate, copy, lines):
    weights = [*translate.encoder.weights, *translate.step.weights]
    kept = [weight.numpy() for weight in weights]
    fill(weights, seed=9)
    try:
        found = compare(translate, copy, lines)
    finally:
        for weight, value in zip(weights, kept, strict=True):
            weight.assign(value)
    assert not found.holds
    assert found.differences
    difference = found.differences[0]
    assert difference["input"] in lines
    assert difference["in_process"] != difference["exported"] == translate([difference["input"]]).text[0]
    assert {difference["by"] for difference in found.differences} == set(found.ways)
    assert f"{len(found.differences) // 2} differences" in str(found)


def test_a_model_that_cannot_be_loaded_there_is_one_line(translate, copy, lines):
    next(copy.rglob("variables.index")).write_bytes(b"torn")
    with pytest.raises(UserError, match=r"folder: the model in .* could not be used in a clean process: ") as error:
        compare(translate, copy, lines)
    assert "\n" not in str(error.value)
    assert not (copy / "assets.extra" / "parity.json").exists()


def test_what_only_a_session_says_otherwise_is_seen(tmp_path, monkeypatch):
    said = {"text": ["a"], "score": [-1.0], "truncated": [False], "seconds": 0.1}
    ways = {"tf.saved_model.load": said, "C++ session": {**said, "text": ["b"], "score": [-2.0]}}
    reply = {"ways": ways, "seconds": 1.0, "modules": [], "versions": {}}
    monkeypatch.setattr(parity, "_in_clean_process", lambda *_: reply)
    found = compare(lambda lines: Output(["a"], np.array([-1.0]), np.zeros(1, bool)), tmp_path, ["x"])
    assert not found.holds
    assert [difference["by"] for difference in found.differences] == ["C++ session"]


@pytest.mark.parametrize(
    ("text", "score", "cut", "identical", "ties", "differences"),
    [
        (["a", "b"], [-1.0, -200.0], [0, 0], 2, 0, 0),
        (["a", "b"], [-1.0, -200.1], [0, 0], 2, 0, 0),
        (["a", "b"], [-1.0, -201.0], [0, 0], 1, 0, 1),
        (["a", "b"], [-1.0, -200.0], [0, 1], 1, 0, 1),
        (["a", "c"], [-1.0, -200.0 + 5e-5], [0, 0], 1, 1, 0),
        (["a", "c"], [-1.0, -200.0 + 5e-3], [0, 0], 1, 0, 1),
        (["c", "d"], [-1.5, -200.5], [0, 0], 0, 0, 2),
    ],
)
def test_two_outputs_that_score_the_same_are_a_tie(text, score, cut, identical, ties, differences):
    here = Output(["a", "b"], np.array([-1.0, -200.0]), np.zeros(2, bool))
    found = Agreement.of(["x", "y"], here, Output(text, np.array(score), np.array(cut, bool)))
    assert (found.identical, found.ties, len(found.differences)) == (identical, ties, differences)
    assert found.holds == (differences == 0)
