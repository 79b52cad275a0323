"""Bars end at the accuracy, and the hatched part at the confidence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from keras_attn.errors import UserError
from keras_attn.plots import reliability_diagram


def bins(*rows):
    """(count, confidence, accuracy) of each bin."""
    width = 1 / len(rows)
    made = [
        SimpleNamespace(low=i * width, high=(i + 1) * width, count=n, confidence=c, accuracy=a)
        for i, (n, c, a) in enumerate(rows)
    ]
    return SimpleNamespace(bins=made, error=0.123)


def test_each_system_has_a_panel_with_a_bar_for_each_bin():
    one = bins((10, 0.3, 0.2), (30, 0.8, 0.9))
    figure = reliability_diagram({"T = 1": one, "$T$ é": one}, title="$t$")
    upper, other, lower, _ = figure.axes
    accuracy, gap = upper.patches[:2], upper.patches[2:]
    assert [bar.get_height() for bar in accuracy] == [0.2, 0.9]
    ends = [bar.get_y() + bar.get_height() for bar in gap]
    assert ends == pytest.approx([0.3, 0.8])
    assert [bar.get_height() for bar in lower.patches] == [25, 75]
    assert upper.get_title() == "T = 1"
    assert other.get_title() == "$T$ é"
    assert [text.get_text() for text in upper.texts] == ["ECE 12.3 %"]
    figure.canvas.draw()


def test_an_empty_bin_has_no_bar():
    nothing = float("nan")
    figure = reliability_diagram({"a": bins((0, nothing, nothing), (5, 0.7, 0.7))})
    assert [bar.get_height() for bar in figure.axes[0].patches[:2]] == [0.0, 0.7]
    figure.canvas.draw()


def test_without_a_system_there_is_nothing_to_draw():
    with pytest.raises(UserError, match="systems: expected"):
        reliability_diagram({})
