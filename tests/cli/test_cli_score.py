"""`keras-attn score`: log p of the lines of a file."""

from __future__ import annotations

import pytest

from keras_attn import cli


@pytest.fixture
def files(tmp_path):
    (tmp_path / "source").write_bytes(b"a\nb\n")
    (tmp_path / "target").write_bytes("one two\n\xfcn\xef\n".encode("latin-1"))
    return ["--source", str(tmp_path / "source"), "--target", str(tmp_path / "target")]


def test_score_writes_a_line_for_each_pair(files, run, model, capsys):
    assert cli.main(["score", run, *files]) == 0
    assert capsys.readouterr() == ("-1.0000\n-0.5000\n", "keras-attn: 4 lines, of which 1 not UTF-8\n")


def test_score_adds_tokens(files, run, model, capsys):
    assert cli.main(["score", run, *files, "--tokens"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "-1.0000\tone:-0.5000 two:-0.5000"


def test_score_says_that_a_file_is_not_there(run, model, tmp_path, fails):
    assert "absent does not exist" in fails("score", run, "--source", str(tmp_path / "absent"), "--target", "x")


def test_score_takes_a_temperature(files, run, model, capsys, fails):
    assert cli.main(["score", run, *files, "--temperature", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "-0.5000"
    assert "--temperature: expected more than 0, got 0.0" in fails("score", run, *files, "--temperature", "0")
