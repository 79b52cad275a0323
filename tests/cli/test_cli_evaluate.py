"""`keras-attn evaluate`: files scored against references."""

from __future__ import annotations

import json

import pytest

from keras_attn import cli


@pytest.fixture
def corpus(tmp_path):
    lines = [f"the cat number {number} sat" for number in range(8)]
    (tmp_path / "source").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "right").write_text("".join(f"{line[:20].upper()}\n" for line in lines))
    (tmp_path / "wrong").write_text("nothing like it at all\n" * 8)
    return tmp_path


def scores(folder):
    return json.loads((folder / "scores.json").read_text())


def test_evaluate_scores_against_any_of_several_references(corpus, run, model, capsys):
    output = corpus / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--output", str(output), "--reference"]
    assert cli.main([*command, f"{corpus}/wrong"]) == 0
    assert scores(output)["exact_match"] == 0
    assert cli.main([*command, f"{corpus}/wrong", f"{corpus}/right"]) == 0
    assert scores(output)["exact_match"] == 100
    out, err = capsys.readouterr()
    assert "100.0" in out
    assert err == ""


def test_evaluate_writes_hypotheses_and_scores(corpus, run, model, capsys):
    output = corpus / "new" / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--reference", f"{corpus}/wrong"]
    assert cli.main([*command, "--tokenize", "char", "--lowercase", "--output", str(output)]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["by_length.png", "hypotheses.txt", "scores.json"]
    assert (output / "by_length.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "hypotheses.txt").read_text() == (corpus / "right").read_text()
    assert "tok:char" in scores(output)["signature_bleu"]
    assert "case:lc" in scores(output)["signature_bleu"]
    assert capsys.readouterr().out.endswith(f"{output}\n")


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        (b"one line\n", ["8", "1"]),
        (b"x\n" * 7 + b"\xff\n", ["wrong", "8", "UTF-8"]),
    ],
)
def test_evaluate_refuses_files_that_do_not_go_together(reference, named, corpus, run, model, fails):
    (corpus / "wrong").write_bytes(reference)
    output = corpus / "scored"
    command = ["evaluate", run, "--source", f"{corpus}/source", "--reference", f"{corpus}/wrong"]
    message = fails(*command, "--output", str(output))
    assert all(word in message for word in named)
    assert not output.exists()


def test_evaluate_knows_which_tokenizations_there_are(run, model, fails):
    message = fails("evaluate", run, "--source", "a", "--reference", "b", "--tokenize", "14a")
    assert "'14a'" in message
    assert "'13a'" in message
