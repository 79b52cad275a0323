"""`benchmarks/many_lines.py`: what it writes, and a small run of it through the dates in git."""

from __future__ import annotations

from pathlib import Path

import pytest

DATES = Path(__file__).parents[2] / "saved_models" / "dates" / "1"


def test_the_same_seed_writes_the_same_lines_and_breaks_as_many_as_it_should(script, tmp_path):
    module = script("many_lines")
    expected = module.write(tmp_path / "a", module.Settings(DATES, lines=1000, broken=30))
    module.write(tmp_path / "b", module.Settings(DATES, lines=1000, broken=30))
    lines = (tmp_path / "a").read_bytes().split(b"\n")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(lines) == 1001
    assert len(expected) == 970
    broken = [line for number, line in enumerate(lines[:-1]) if number not in expected]
    assert set(broken) == set(module.BROKEN)


def test_lines_come_out_as_many_and_right_with_and_without_beam(script, capsys):
    pytest.importorskip("apache_beam", reason="apache-beam is not installed")
    module = script("many_lines")
    module.main(module.Settings(DATES, lines=300, broken=12, beam=True))
    said = capsys.readouterr().out
    assert "300 of 300 lines came out" in said
    assert "through Apache Beam, 300 lines: the same bytes" in said
    assert "of which" in said


def test_a_command_that_fails_is_no_measurement(script, tmp_path):
    (tmp_path / "in").write_text("a\n")
    with pytest.raises(RuntimeError, match="decode: status 2"):
        script("many_lines").timed("decode", ["decode", str(tmp_path)], tmp_path / "in", tmp_path / "out")
