"""A run keeps where its alignments are read."""

from __future__ import annotations

import json

import numpy as np

from keras_attn.alignment import Look
from keras_attn.export import load
from keras_attn.recipes import Run


def test_a_kept_look_is_there_when_the_run_is_loaded(copy):
    before = Run.load(copy)
    assert before.config.model.look is None
    Run.load(copy, {"beam": 2}).keep_look(Look("decoder", 0, 1))
    after = Run.load(copy)
    assert after.config.model.look == after.module.look == Look("decoder", 0, 1)
    assert json.loads((copy / "config.json").read_bytes())["model"]["search"]["beam"] == 1
    (old,), (new,) = before.align(["one two three"]), after.align(["one two three"])
    assert len(new.weights) > 1
    np.testing.assert_allclose(new.weights[:-1], old.weights[1:], atol=1e-6)


def test_an_export_looks_where_the_run_does(copy, tmp_path):
    Run.load(copy).keep_look(Look("decoder", 0, 1))
    run = Run.load(copy)
    loaded = load(run.export(tmp_path / "1"))
    (ours,), (theirs,) = run.align(["one two three"]), loaded.align(["one two three"])
    np.testing.assert_allclose(theirs.weights, ours.weights, atol=1e-6)


def test_attention_of_given_outputs_has_all_layers(copy):
    (found,) = Run.load(copy).attention(["one two"], ["12"])
    assert list(found.weights) == ["decoder"]
    assert found.weights["decoder"].shape == (1, len(found.target_tokens), len(found.source_tokens))
