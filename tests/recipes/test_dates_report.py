"""What the report says of outputs and weights that are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from keras_attn.data.dates import DatePair, Spans
from keras_attn.recipes.dates_report import report


def pair(source, target, locale="en"):
    """A date whose year stands in the source as it does in the target, or at the first run of four signs."""
    start = source.index(target[:4]) if target[:4] in source else 0
    spans = Spans(year=(start, start + 4), month=(0, 0), day=(0, 0))
    return DatePair(source, target, locale, "form", spans)


def reader(outputs, looks, prefix="▁"):
    """A module that says `outputs` and whose digit i looks at the source's character `looks(row, i)`.

    Tokens are characters after the blank that SentencePiece writes first; the end has a token of its own.
    """

    def align(sources):
        found = []
        for row, (source, text) in enumerate(zip(sources, outputs, strict=True)):
            source_tokens, target_tokens = [*prefix, *source, "</s>"], [*prefix, *text, "</s>"]
            weights = np.zeros((len(target_tokens), len(source_tokens)))
            for i in range(len(text)):
                for character, weight in looks(row, i).items():
                    weights[i + len(prefix), character + len(prefix)] = weight
            found.append(
                SimpleNamespace(text=text, source_tokens=source_tokens, target_tokens=target_tokens, weights=weights)
            )
        return found

    return SimpleNamespace(align=align)


PAIRS = [
    pair("3 March 2021", "2021-03-03"),
    pair("2021-03-04", "2021-03-04"),
    pair("le 5 mars 2021", "2021-03-05", "fr"),
]
RIGHT = [given.target for given in PAIRS]


@pytest.mark.parametrize("prefix", ["▁", ""], ids=["blank", "none"])
def test_a_reader_that_looks_at_each_digit_it_writes(prefix):
    def looks(row, i):
        start, end = PAIRS[row].spans.year
        outside = 0 if start else end
        return {start + i if i in (2, 3) else outside: 1.0}  # so that no other row will do

    found = report(reader(RIGHT, looks, prefix), PAIRS)
    assert (found.year_argmax, found.year_mass, found.year_offset) == (100, 100, {0: 100.0})
    assert found.exact_match == 100


def test_a_reader_that_looks_one_character_too_far():
    found = report(reader(RIGHT, lambda row, i: {PAIRS[row].spans.year[0] + min(i, 3) + 1: 1.0}), PAIRS)
    # The third digit's look is still inside of the year, the fourth's is behind it.
    assert (found.year_argmax, found.year_mass, found.year_offset) == (50, 50, {1: 100.0})


def test_weight_is_shared_and_the_largest_counts():
    def looks(row, i):
        start = PAIRS[row].spans.year[0]
        return {start + min(i, 3): 0.6, start: 0.1, (start + 5) % len(PAIRS[row].source): 0.3}

    found = report(reader(RIGHT, looks), PAIRS)
    assert found.year_argmax == 100
    assert found.year_mass == pytest.approx(70)


def test_the_score_is_the_mean_over_locales():
    found = report(reader(["2021-03-03", "no date", RIGHT[2]], lambda row, i: {0: 1.0}), PAIRS)
    assert found.by_locale == {"en": 50.0, "fr": 100.0}
    assert found.exact_match == 75
    assert found.worst == ("en", 50.0)


def test_an_output_too_short_to_have_the_digits_looked_nowhere():
    found = report(reader(["", "20", "2021-03-05"], lambda row, i: {PAIRS[row].spans.year[0] + min(i, 3): 1.0}), PAIRS)
    assert found.year_argmax == pytest.approx(100 / 3)
    assert found.year_mass == pytest.approx(100 / 3)
    assert found.year_offset == {0: 100.0}


def test_it_can_be_kept_and_printed():
    found = report(reader(["x", *RIGHT[1:]], lambda row, i: {PAIRS[row].spans.year[0] + min(i, 3): 1.0}), PAIRS)
    kept = found.as_dict()
    assert kept["worst_locale"] == ["en", 50.0]
    assert kept["by_locale"] == {"en": 50.0, "fr": 100.0}
    said = str(found)
    assert "mean over 2 locales: 75.00 %; lowest: en 50.00 %" in said
    assert "+0: 100.0 %" in said
    rows = [list(column.cells) for column in found.table().columns]
    assert rows[2] == ["x", *RIGHT[1:]]
    assert rows[3] == ["2021-03-03", "yes", "yes"]
