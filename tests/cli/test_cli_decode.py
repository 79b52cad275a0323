"""`keras-attn decode`: what is written for which lines."""

from __future__ import annotations

import json
import os
import sys

import pytest

from keras_attn import cli
from keras_attn.export.outputs import Hypothesis


def test_decode_writes_a_line_for_each_sentence(run, model, capsys):
    assert cli.main(["decode", run, "a cat", "two dogs"]) == 0
    assert capsys.readouterr() == ("A CAT\nTWO DOGS\n", "")


def test_decode_takes_a_sentence_that_starts_with_a_dash(run, model, capsys):
    assert cli.main(["decode", run, "--", "-5 degrees"]) == 0
    assert capsys.readouterr().out == "-5 DEGREES\n"


def test_decode_adds_scores(run, model, capsys):
    assert cli.main(["decode", run, "--scores", "a cat", ""]) == 0
    assert capsys.readouterr().out == "A CAT\t-0.6250\n\t\n"


def test_json_has_scores(run, model, capsys):
    assert cli.main(["decode", run, "--json", "a cat"]) == 0
    assert json.loads(capsys.readouterr().out) == {"text": "A CAT", "score": -0.625}


def test_decode_streams_standard_input_in_order_and_in_batches(run, model, feed, capsys):
    feed(b"one\ntwo\nthree\nfour\nfive")
    assert cli.main(["decode", run, "--batch-size", "2"]) == 0
    assert capsys.readouterr() == ("ONE\nTWO\nTHREE\nFOUR\nFIVE\n", "")
    assert model.batches == [["three", "four"], ["one", "two"], ["five"]]  # like lengths together


def test_decode_never_stops_at_a_bad_line_and_counts_it(run, model, feed, capsys):
    feed(b"good\n\n" + b"caf\xe9\n" + b"so very very long a line\n" + "ünï\n \n".encode())
    assert cli.main(["decode", run]) == 0
    out, err = capsys.readouterr()
    assert out == "GOOD\n\nCAF\N{REPLACEMENT CHARACTER}\nSO VERY VERY LONG A \nÜNÏ\n\n"
    assert err == "keras-attn: 6 lines, of which 2 empty, 1 not UTF-8, 1 too long (cut)\n"


def test_decode_adds_alignments(run, model, capsys):
    assert cli.main(["decode", run, "--scores", "--alignments", "two dogs", ""]) == 0
    assert capsys.readouterr().out == "TWO DOGS\t-1.0000\t0-0 1-1\n\t\t\n"
    assert model.batches == [["two dogs"]]  # decoded once


def test_decode_writes_the_n_best(run, model, capsys):
    assert cli.main(["decode", run, "--n-best", "3", "--scores", "a cat", "b", ""]) == 0
    assert capsys.readouterr().out == "A CAT\t0.0000\na cat 1\t-0.5000\n\t\nB\t0.0000\n\t\n\t\n\t\n\t\n\t\n"
    assert model.asked == {"n_best": 3}


def test_decode_writes_objects(run, model, feed, capsys):
    feed(b"a cat\n\n")
    assert cli.main(["decode", run, "--json", "--n-best", "2", "--alignments", "--beam", "4"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        **{"text": "A CAT", "score": 0.0, "source_tokens": ["a", "cat"], "target_tokens": ["A", "CAT"]},
        **{"outputs": [{"text": "A CAT", "score": 0.0}, {"text": "a cat 1", "score": -0.5}]},
        "alignment": [[0, 0], [1, 1]],
    }
    assert second == {"text": "", "score": None, "outputs": []}
    assert model.asked == {"n_best": 2, "beam": 4}


def test_an_alignment_is_that_of_the_output_beside_it(run, model, capsys, monkeypatch):
    def hypotheses(sentences, batch_size=64):
        return [[Hypothesis("OTHER" if "cat" in sentence else sentence.upper(), 0.0, 0.0)] for sentence in sentences]

    monkeypatch.setattr(model, "hypotheses", hypotheses)
    assert cli.main(["decode", run, "--n-best", "2", "--alignments", "a cat", "a dog"]) == 0
    assert capsys.readouterr().out == "OTHER\t\n\t\nA DOG\t0-0 1-1\n\t\n"


@pytest.mark.parametrize("written_to_a_terminal", [True, False])
def test_progress_is_told_on_a_terminal_only(written_to_a_terminal, run, model, feed, capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: written_to_a_terminal)
    feed(b"one\ntwo\n")
    assert cli.main(["decode", run]) == 0
    out, err = capsys.readouterr()
    assert out == "ONE\nTWO\n"
    assert ("2 lines" in err) != written_to_a_terminal


def test_decode_of_nothing_writes_nothing(run, model, feed, capsys):
    feed(b"")
    assert cli.main(["decode", run]) == 0
    assert capsys.readouterr() == ("", "")


def test_decode_counts_a_bad_sentence_of_the_command_line(run, model, capsys):
    assert cli.main(["decode", run, os.fsdecode(b"caf\xe9")]) == 0
    assert "1 not UTF-8" in capsys.readouterr().err


def test_decode_refuses_an_empty_batch(run, model, fails):
    assert fails("decode", run, "x", "--batch-size", "0") == "--batch-size: expected at least 1, got 0"


@pytest.mark.parametrize("option", ["--n-best", "--tokens-per-batch"])
def test_decode_refuses_less_than_one(option, run, model, fails):
    assert fails("decode", run, "x", option, "0") == f"{option}: expected at least 1, got 0"


def test_an_exported_model_has_its_search_inside(tmp_path, model, fails):
    (tmp_path / "saved_model.pb").touch()
    assert "--beam: an exported model has its search inside" in fails("decode", str(tmp_path), "x", "--beam", "2")
    wanted = "--n-best: expected at most 2, which is what this model was exported with (export --n-best), got 3"
    assert wanted in fails("decode", str(tmp_path), "x", "--n-best", "3")


def test_an_exported_model_gives_several_outputs(tmp_path, model, capsys):
    (tmp_path / "saved_model.pb").touch()
    assert cli.main(["decode", str(tmp_path), "abc", "--n-best", "2"]) == 0
    assert capsys.readouterr().out == "ABC\nabc 1\n"


def test_decode_refuses_a_closed_standard_input(run, model, fails, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input" in fails("decode", run)


def test_decode_reads_an_exported_version_too(tmp_path, model, capsys):
    version = tmp_path / "exported" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    assert cli.main(["decode", str(version), "A Cat"]) == 0
    assert capsys.readouterr().out == "a cat\n"


def test_a_folder_of_versions_asks_for_one(tmp_path, model, fails):
    for version in "21":
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    assert "holds the versions 1, 2; give the folder of one" in fails("decode", str(tmp_path), "x")


def test_a_folder_that_is_no_run_is_one_line(tmp_path, model, fails):
    assert "no folder" in fails("decode", str(tmp_path / "absent"), "x")


def test_more_outputs_than_an_export_gives_are_refused_before_apache_beam_starts(tmp_path, model, fails):
    (tmp_path / "saved_model.pb").touch()
    asked = ("--engine", "apache-beam", "--n-best", "3", "--input", "x", "--output", "y")
    assert "--n-best: expected at most 2" in fails("decode", str(tmp_path), *asked)
