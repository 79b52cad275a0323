"""Two files of lines, scored pair by pair."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from keras_attn.errors import UserError
from keras_attn.lines import scorer
from keras_attn.lines.odd import LONGEST_LINE
from keras_attn.lines.scorer import score_files


def halves(sources: list[str], targets: list[str]) -> list:
    """A model that finds each word half as likely as certain, and cuts sources after four words."""
    return [
        SimpleNamespace(
            tokens=target.split(),
            log_p=[-0.5] * len(target.split()),
            total=-0.5 * len(target.split()) - len(source) / 100,
            truncated=len(source.split()) > 4,
        )
        for source, target in zip(sources, targets, strict=True)
    ]


@pytest.fixture
def files(tmp_path):
    def write(source: bytes, target: bytes):
        (tmp_path / "source").write_bytes(source)
        (tmp_path / "target").write_bytes(target)
        return tmp_path / "source", tmp_path / "target"

    return write


def test_a_line_for_each_pair_in_order_over_windows(files, monkeypatch):
    monkeypatch.setattr(scorer, "WINDOW", 2)
    said: list[str] = []
    report = score_files(halves, *files(b"a\nbb\n\n", b"one\ntwo words\nlast\n"), False, said.append)
    assert said == ["-0.5100", "-1.0200", "-0.5000"]
    assert report == "6 lines, of which 1 empty"


def test_a_line_that_is_cut_twice_is_counted_once(files):
    line = b"a " * (LONGEST_LINE // 2 + 1) + b"\n"
    report = score_files(halves, *files(line + b"a b c d e\n", b"x\ny\n"), False, lambda line: None)
    assert report == "4 lines, of which 2 too long (cut)"


def test_tokens_stand_behind_a_tab(files):
    said: list[str] = []
    report = score_files(halves, *files(b"a b c d e\n", b"caf\xe9 x\n"), True, said.append)
    assert said == ["-1.0900\tcaf\N{REPLACEMENT CHARACTER}:-0.5000 x:-0.5000"]
    assert report == "2 lines, of which 1 not UTF-8, 1 too long (cut)"


def test_files_of_unequal_length_are_refused_before_anything_is_said(files):
    said: list[str] = []
    with pytest.raises(UserError, match=r"--target: expected 2 lines, as many as .*source, got 1"):
        score_files(halves, *files(b"a\nb\n", b"one\n"), False, said.append)
    assert said == []
