"""Bars of several systems stand side by side, one group per range of source length."""

import itertools
from types import SimpleNamespace

import pytest

from keras_attn.errors import UserError
from keras_attn.plots import by_length


def buckets(*scores, low=(1, 4), high=(3, 9)):
    return [
        SimpleNamespace(low=a, high=b, count=10, bleu=s, chrf=s + 1, exact_match=0.0)
        for a, b, s in zip(low, high, scores, strict=True)
    ]


def test_every_score_is_a_bar_of_its_height():
    figure = by_length({"additive": buckets(30.0, 20.0), "$dot$ 点": buckets(35.0, 10.0)}, title="$t$")
    axes = figure.axes[0]
    assert sorted(bar.get_height() for bar in axes.patches) == [10.0, 20.0, 30.0, 35.0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1–3\nn = 10", "4–9\nn = 10"]
    assert axes.get_legend().get_texts()[0].get_text() == "additive"
    lefts = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches)
    assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(lefts))
    figure.canvas.draw()


def test_another_score_can_be_drawn():
    axes = by_length({"a": buckets(1.0, 2.0)}, score="chrf", unit="characters").axes[0]
    assert [bar.get_height() for bar in axes.patches] == [2.0, 3.0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("chrF2", "source length in characters")


def test_a_range_of_one_length_is_written_as_one_number():
    axes = by_length({"a": buckets(1.0, 2.0, low=(1, 2), high=(1, 5))}).axes[0]
    assert axes.get_xticklabels()[0].get_text() == "1\nn = 10"


def test_scores_of_zero_leave_a_scale_from_zero_up():
    assert by_length({"a": buckets(0.0, 0.0)}).axes[0].get_ylim() == (0.0, 1.0)


@pytest.mark.parametrize(
    ("systems", "options", "message"),
    [
        ({}, {}, "systems: expected a name and buckets"),
        ({"a": []}, {}, "systems: expected a name and buckets"),
        ({"a": buckets(1, 2), "b": buckets(1, 2, high=(3, 8))}, {}, "'b' has the ranges"),
        ({"a": buckets(1, 2)}, {"score": "blue"}, "score: the buckets of 'a' have no 'blue'"),
    ],
)
def test_what_cannot_be_compared_is_refused(systems, options, message):
    with pytest.raises(UserError, match=message):
        by_length(systems, **options)
