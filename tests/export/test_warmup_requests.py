"""Warm-up requests of an export: read back they are what was written, and one that fails is seen."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from keras_attn.errors import UserError
from keras_attn.export import SIGNATURES
from keras_attn.export.warmup import Request, answer, read_warmup, requests, write_warmup

LINES = ["a man rides a horse", "☕"]


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "1")


@pytest.fixture
def asked(translate):
    return requests(LINES, translate(LINES).text)


def test_each_signature_is_asked_and_answers(saved, asked, translate):
    answers = answer(saved, asked)
    assert {request.signature for request in asked} == set(SIGNATURES)
    for request, said in zip(asked, answers, strict=True):
        assert set(said) == set(SIGNATURES[request.signature].outputs)
    assert [text.decode() for text in answers[0]["text"]] == translate(LINES).text


def test_what_was_written_is_read_back(copy, asked):
    pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed")
    assert write_warmup(copy, "gibberish", asked)
    found = read_warmup(copy)
    assert [request.signature for request in found] == [request.signature for request in asked]
    for ours, theirs in zip(asked, found, strict=True):
        assert {name: value.tolist() for name, value in theirs.inputs.items()} == {
            name: value.tolist() for name, value in ours.inputs.items()
        }
    np.testing.assert_equal(answer(copy, found[:1]), answer(copy, asked[:1]))


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("detokenize", {"ids": np.array([[999]], "int32")}),
        ("serving_default", {"line": np.array([b"a"], object)}),
        ("more", {"text": np.array([b"a"], object)}),
    ],
)
def test_one_that_fails_is_one_line(saved, asked, name, inputs):
    with pytest.raises(UserError, match=rf"export: a request to signature '{name}' fails in a C\+\+ session") as error:
        answer(saved, [*asked[:1], Request(name, inputs)])
    assert "\n" not in str(error.value)


def test_without_the_protocol_buffers_there_are_none(copy, asked, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert not write_warmup(copy, "gibberish", asked)
    assert not (copy / "assets.extra").exists()
