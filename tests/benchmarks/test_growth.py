"""`benchmarks/growth.py`: the steps learn, memory is seen from outside, what does not fit is told and not drawn."""

from __future__ import annotations

import pytest


@pytest.fixture
def growth(script):
    return script("growth")


def test_both_networks_take_steps_that_learn(growth):
    for kind in growth.KINDS:
        run, (source, target, labels), kept = growth.step(kind, length=3, width=8, tokens=11)
        assert source.shape == target.shape == labels.shape == (3, 3)
        losses = [float(run(source, target, labels)) for _ in range(40)]
        assert losses[-1] < losses[0] - 0.03
        assert kept > 3 * 4 * growth.VOCABULARY * 8  # a table of embeddings, and Adam's two moments of it


def test_memory_of_a_process_of_its_own(growth):
    _, _, kept = growth.step("GRU with attention", 64, 8, 512)
    found = growth.memory(12 * growth.GIB, "GRU with attention", 64, 8, 512)
    logits = 4 * 512 * growth.VOCABULARY
    assert kept + logits < found < kept + 500 * logits


def test_what_does_not_fit_is_in_the_table_and_not_in_the_picture(growth, tmp_path):
    settings = growth.Settings(lengths=(32, 64), widths=(128, 256), output=tmp_path / "growth.png")
    places = [(32, 128), (64, 128), (32, 256)]
    found = [growth.Point(kind, *place, 7.0, 3 * 2**20) for kind in growth.KINDS for place in places]
    found[1] = growth.Point(growth.KINDS[0], 64, 128, None, None)
    by_length, by_width = (growth.table(found, axis, settings) for axis in ("length", "width"))
    assert [list(column.cells) for column in by_length.columns] == [
        ["32", "64"],
        ["7", "too large"],
        ["3", "too large"],
        ["7", "7"],
        ["3", "3"],
    ]
    assert list(by_width.columns[0].cells) == ["128", "256"]
    time_by_length, time_by_width, *_ = growth.picture(found, settings).axes
    drawn = [[line.get_xdata().tolist() for line in axes.lines] for axes in (time_by_length, time_by_width)]
    assert drawn == [[[32], [32, 64]], [[128, 256], [128, 256]]]


def test_points_that_both_series_share_are_measured_once(growth, monkeypatch):
    measured = []
    monkeypatch.setattr(growth, "memory", lambda *point: measured.append(point[1:4]))  # None: nothing fits
    settings = growth.Settings(lengths=(32, 64), widths=(128, 256))
    found = growth.points(settings)
    places = [(32, 128), (64, 128), (32, 256)]
    assert measured == [(kind, *place) for place in places for kind in growth.KINDS]
    assert all(point.milliseconds is None and point.memory is None for point in found)
