"""What a decoded line looks like."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

from keras_attn.lines.writing import Decoded, Fields, Json, links

WEIGHTS = np.array([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]])
ALIGNED = SimpleNamespace(source_tokens=["▁a", "▁b"], target_tokens=["A", "B", "</s>"], weights=WEIGHTS)
TWO = Decoded([("one\ntwo\r\nthree\tfour", -0.5), ("ünï", -1.25)], ALIGNED)


def test_a_break_the_model_wrote_does_not_break_the_line():
    assert Fields()(TWO) == ["one two  three four"]
    assert Fields(scores=True)(TWO) == ["one two  three four\t-0.5000"]


def test_every_line_has_as_many_lines_and_fields():
    asked = Fields(scores=True, alignments=True, n_best=3)
    assert asked(TWO) == ["one two  three four\t-0.5000\t1-0 0-1 1-2", "ünï\t-1.2500\t", "\t\t"]
    assert asked(Decoded()) == ["\t\t"] * 3
    assert Fields()(Decoded()) == [""]


def test_an_object_keeps_the_text_as_it_is():
    (line,) = Json()(TWO)
    assert json.loads(line) == {
        "text": "one\ntwo\r\nthree\tfour",
        "score": -0.5,
        "source_tokens": ["▁a", "▁b"],
        "target_tokens": ["A", "B", "</s>"],
        "alignment": [[1, 0], [0, 1], [1, 2]],
    }
    assert "\n" not in line
    (line,) = Json(n_best=2)(TWO)
    assert json.loads(line)["outputs"] == [
        {"text": "one\ntwo\r\nthree\tfour", "score": -0.5},
        {"text": "ünï", "score": -1.25},
    ]


def test_a_token_that_looked_nowhere_has_no_link():
    weights = np.array([[0.1, 0.9], [0.0, 0.0], [0.2, 0.8]])
    assert links(SimpleNamespace(weights=weights)) == [(1, 0), (1, 2)]
    assert links(SimpleNamespace(weights=np.zeros((2, 3)))) == []  # as of a model without attention


def test_an_object_of_nothing():
    assert Json(n_best=2)(Decoded()) == ['{"text": "", "score": null, "outputs": []}']
    blind = Decoded([("a", 0.0)], SimpleNamespace(source_tokens=[], target_tokens=[], weights=np.zeros((0, 0))))
    assert json.loads(Json()(blind)[0])["alignment"] == []
