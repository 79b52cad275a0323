"""Warm-up requests of an export: one for each signature, and none that would keep a server from loading."""

from __future__ import annotations

import shutil
import sys

import pytest

from keras_attn.errors import UserError
from keras_attn.export import SIGNATURES
from keras_attn.export.warmup import check_warmup, requests, write_warmup


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "1")


@pytest.fixture
def asked(translate):
    lines = ["a man rides a horse", "☕"]
    return requests(translate(lines), lines)


def test_each_signature_has_one_and_answers_it(copy, asked, translate):
    pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed")
    assert write_warmup(copy, "gibberish", asked)
    answers = check_warmup(copy)
    assert set(answers) == set(SIGNATURES)
    assert [text.decode() for text in answers["serving_default"]["text"]] == translate(
        ["a man rides a horse", "☕"]
    ).text
    assert {name: set(answer) for name, answer in answers.items()} == {
        name: set(signature.outputs) for name, signature in SIGNATURES.items()
    }


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("detokenize", {"ids": [[999]]}), ("serving_default", {"line": [b"a"]}), ("more", {"text": [b"a"]})],
)
def test_one_that_fails_fails_the_check(copy, asked, name, inputs):
    pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed")
    write_warmup(copy, "gibberish", {**asked, name: inputs})
    with pytest.raises(UserError, match=rf"export: the warm-up request for signature '{name}' fails \(") as error:
        check_warmup(copy)
    assert "\n" not in str(error.value)


def test_without_the_protocol_buffers_there_are_none(copy, asked, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert not write_warmup(copy, "gibberish", asked)
    assert not (copy / "assets.extra").exists()
