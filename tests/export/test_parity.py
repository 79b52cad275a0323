"""The check of an export in a clean process: it passes what is equal, and sees what is not."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from catalogue import fill

from keras_attn.errors import UserError
from keras_attn.export import Output, compare, parity


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of the export that a test may write to."""
    return shutil.copytree(saved, tmp_path / "1")


def test_an_export_says_what_the_model_says_without_this_package(translate, copy, lines):
    found = compare(translate, copy, lines, batch_size=3)
    assert (found.sentences, found.identical, found.differences) == (len(lines), len(lines), [])
    assert found.holds
    assert found.largest_score_difference < 1e-4
    assert set(found.modules) == {"tensorflow", "tensorflow_text"}
    kept = json.loads((copy / "assets.extra" / "parity.json").read_text("utf-8"))
    assert kept["identical"] == len(lines)
    assert str(found).startswith(f"{len(lines)} of {len(lines)} outputs identical, 0 ties")


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
    assert f"{len(found.differences)} differences" in str(found)


def test_a_model_that_cannot_be_loaded_there_is_one_line(translate, copy, lines):
    next(copy.rglob("variables.index")).write_bytes(b"torn")
    with pytest.raises(UserError, match=r"folder: the model in .* could not be used in a clean process: ") as error:
        compare(translate, copy, lines)
    assert "\n" not in str(error.value)
    assert not (copy / "assets.extra" / "parity.json").exists()


@pytest.mark.parametrize(
    ("text", "score", "identical", "ties", "differences"),
    [
        (["a", "b"], [-1.0, -2.0], 2, 0, 0),
        (["a", "c"], [-1.0, -2.0 + 5e-5], 1, 1, 0),
        (["a", "c"], [-1.0, -2.0 + 5e-3], 1, 0, 1),
        (["c", "d"], [-1.5, -2.5], 0, 0, 2),
    ],
)
def test_two_outputs_that_score_the_same_are_a_tie(text, score, identical, ties, differences, tmp_path, monkeypatch):
    reply = {"text": text, "score": score, "modules": []}
    monkeypatch.setattr(parity, "_in_clean_process", lambda *_: reply)
    here = Output(["a", "b"], np.array([-1.0, -2.0]), np.zeros(2, bool))
    found = compare(lambda lines: here, tmp_path, ["x", "y"])
    assert (found.identical, found.ties, len(found.differences)) == (identical, ties, differences)
    assert found.holds == (differences == 0)
