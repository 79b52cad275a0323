"""The leaderboard: what is trained, what is kept, what the page shows."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from keras_attn.bench.entries import BASE, BY_NAME, ENCODER, ENTRIES
from keras_attn.bench.mechanisms import chosen, measure, write
from keras_attn.bench.page import PARTS, page
from keras_attn.bench.picture import picture
from keras_attn.bench.trial import Result, Training, run, shifted
from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, mechanisms

SHORT = Training(updates=6, batch=4)


def result(entry="additive", task="copy", seed=1, right=0.5, **more):
    fields = {"seconds": 2.0, "parameters": 1234, "weights": [[0.25, 0.75]], "source": ["a", "$"], "target": ["a"]}
    return Result(entry, task, seed, right, **{**fields, **more})


def test_every_entry_is_a_decoder_and_another_one():
    decoders = [RNNDecoder(**{**BASE, **entry.settings}) for entry in ENTRIES]
    assert len(set(decoders)) == len(ENTRIES) == len(BY_NAME)
    assert {entry.part for entry in ENTRIES} == set(PARTS)


def test_every_name_a_decoder_takes_is_compared():
    decoders = [RNNDecoder(**{**BASE, **entry.settings}) for entry in ENTRIES]
    assert {decoder.attention for decoder in decoders} == {*mechanisms.ATTENTIONS, None}
    assert {decoder.query for decoder in decoders} == set(mechanisms.QUERIES)
    assert {decoder.weighing for decoder in decoders} == set(mechanisms.WEIGHINGS)
    assert {decoder.window for decoder in decoders} == {*mechanisms.WINDOWS, None}
    assert {decoder.fusion for decoder in decoders if decoder.fusion} == set(mechanisms.FUSIONS) - {"concat"}
    assert 2 * ENCODER["units"] == BASE["units"]  # the dot product needs it


def test_a_trial_is_a_function_of_its_seed():
    first, again, other = (run(BY_NAME["dot"], ["copy", "lookup"], seed, SHORT) for seed in (1, 1, 2))
    assert [r.task for r in first] == ["copy", "lookup"]
    assert [r.weights for r in first] == [r.weights for r in again]
    assert [r.weights for r in first] != [r.weights for r in other]
    for r in first:
        assert np.shape(r.weights) == (len(r.target), len(r.source))
        np.testing.assert_allclose(np.sum(r.weights, -1), 1, atol=2e-3)
        assert r.source[-1] == r.target[-1] == "$"
        assert r.seconds > 0


def test_tasks_do_not_help_one_another():
    """The model begins anew for each task: what came before leaves no trace."""
    (alone,) = run(BY_NAME["dot"], ["lookup"], 1, SHORT)
    after = run(BY_NAME["dot"], ["copy", "lookup"], 1, SHORT)[1]
    assert alone.weights == after.weights


def test_training_raises_the_score():
    (after,) = run(BY_NAME["dot"], ["copy"], 1, Training(updates=150))
    (before,) = run(BY_NAME["dot"], ["copy"], 1, SHORT)
    assert before.right == 0
    diagonal = [np.trace(np.array(r.weights)[:, : len(r.target)]) / len(r.target) for r in (before, after)]
    assert diagonal[1] > 2 * diagonal[0]


def test_the_decoder_reads_what_came_before():
    assert shifted(np.array([[5, 6, 3, 0]], "int32")).tolist() == [[2, 5, 6, 3]]


def test_only_some():
    assert chosen([]) == list(BY_NAME)
    assert chosen(["luong", "dot"]) == ["dot", "luong"]
    with pytest.raises(UserError, match=r"--only: expected one of 'no-attention', .*, got 'dots'"):
        chosen(["dots"])


def test_what_is_kept_is_not_trained_again(tmp_path):
    kept = {"training": dataclasses.asdict(SHORT), "results": [dataclasses.asdict(result("dot", right=0.125))]}
    (tmp_path / "dot-1.json").write_text(json.dumps(kept))
    assert list(measure(["dot"], [1], ["copy"], SHORT, tmp_path, 1)) == [[result("dot", right=0.125)]]


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "dot-1.json").write_text('{"training": {')
    with pytest.raises(UserError, match=r"--output: '.*dot-1\.json' is not what this command wrote .*; remove it"):
        list(measure(["dot"], [1], ["copy"], SHORT, tmp_path, 1))


def test_the_page_has_scores_equations_and_pictures():
    results = [result(right=0.5, seconds=3.0), result(right=0.7, seed=2), result("no-attention", right=0.0, weights=[])]
    text = page(results, SHORT, "TensorFlow 2", "the command", "mechanisms")
    assert "| [additive](#additive) | 60.0 ± 14.1 | 2.0 | 1,234 |" in text
    assert "| [no-attention](#no-attention) | 0.0 | 2.0 | 1,234 |" in text
    assert f"$${BY_NAME['additive'].equation}$$" in text
    assert "![additive](mechanisms/additive.png)" in text
    assert "![no-attention]" not in text
    assert "`the command`" in text
    assert "## Window" not in text


def test_page_and_pictures_are_written(tmp_path):
    write([result(), result("dot")], SHORT, tmp_path / "page.md", "the command")
    assert sorted(path.name for path in (tmp_path / "page").iterdir()) == ["additive.png", "dot.png"]
    assert "](page/dot.png)" in (tmp_path / "page.md").read_text()


def test_a_picture_has_one_heatmap_for_each_task():
    figure = picture([result(), result(task="sort", right=1.0)])
    assert [axes.get_title() for axes in figure.axes] == ["copy 50 %", "sort 100 %"]
    assert figure.axes[0].images[0].get_array().tolist() == [[0.25, 0.75]]
