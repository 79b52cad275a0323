"""`benchmarks/first_answer.py`, one round."""

from __future__ import annotations

from pathlib import Path

import pytest

DATES = Path(__file__).parents[2] / "saved_models" / "dates"


def test_both_servers_answer(script, capsys):
    module = script("first_answer")
    module.main(module.Settings(DATES, rounds=1))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["import tensorflow", "first answer", "with batching"]
    assert lines[0].endswith("over the import  0.00 s (0.00 - 0.00)")


def test_a_server_that_does_not_answer_is_no_measurement(script, tmp_path):
    module = script("first_answer")
    with pytest.raises(RuntimeError, match="no answer"):
        module.answering(module.Settings(tmp_path / "missing", at_most=1))
