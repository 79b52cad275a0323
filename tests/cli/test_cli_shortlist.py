"""`keras-attn shortlist`, and who uses what it learned."""

from __future__ import annotations

from pathlib import Path

from keras_attn import cli
from keras_attn.decoding import Shortlist


def test_shortlist_learns_from_pairs_and_keeps_it_in_the_run(run, model, tmp_path, capsys):
    (tmp_path / "source").write_text("ab\nb\n")
    (tmp_path / "target").write_text("xy\ny\n")
    files = ["--source", str(tmp_path / "source"), "--target", str(tmp_path / "target")]
    assert cli.main(["shortlist", run, *files, "--each", "1", "--frequent", "1"]) == 0
    kept = Path(run) / "shortlist.npz"
    assert capsys.readouterr().out == f"{kept}\n"
    found = Shortlist.load(kept)
    a, b, x, y = (ord(letter) - ord("a") + 4 for letter in "abxy")
    assert found.candidates.shape == (30, 1)
    assert (found.candidates[a, 0], found.candidates[b, 0], found.most) == (x, x, None)  # y comes always
    assert found.always.tolist() == [0, 1, 2, 3, y]


def test_shortlist_says_what_it_cannot_do(run, model, tmp_path, fails):
    (tmp_path / "empty").touch()
    files = ["--source", str(tmp_path / "empty"), "--target", str(tmp_path / "empty")]
    assert fails("shortlist", run, *files) == f"--source: expected at least one line, got '{tmp_path / 'empty'}'"
    assert fails("shortlist", run, *files, "--each", "0") == "--each: expected at least 1, got 0"


def test_decode_uses_it_when_it_is_told_to(run, model, tmp_path, fails, capsys):
    assert cli.main(["decode", run, "a cat"]) == 0
    assert "shortlist" not in model.asked
    assert cli.main(["decode", run, "a cat", "--shortlist"]) == 0
    assert model.asked["shortlist"] is True
    capsys.readouterr()
    (tmp_path / "saved_model.pb").touch()
    assert "--shortlist: an exported model has its search inside" in fails("decode", str(tmp_path), "x", "--shortlist")
