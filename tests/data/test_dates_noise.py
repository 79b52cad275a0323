"""Noise: separators and case only, so that no edit moves a date to another day."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date

import pytest

from keras_attn.data.dates import Dates, all_forms
from keras_attn.data.dates.clean import reading
from keras_attn.data.dates.forms import forms_by_locale
from keras_attn.data.dates.renderer import Renderer

# Each month and each weekday, one and two digits.
DAYS = [date(2021, month, 5 + 2 * month) for month in range(1, 13)]


def spellings(locale: str, pattern: str, day: date) -> set[str]:
    form = next(form for form in forms_by_locale()[locale] if form.pattern == pattern)
    renderer = Renderer(form)
    return {renderer.render(day, dress=dress)[0] for dress in renderer.edits(renderer.plain)}


def test_no_edit_case_or_digit_changes_what_is_read():
    for form in all_forms():
        renderer = Renderer(form)
        for day in DAYS:
            plain = reading(renderer.render(day)[0])
            for dress in renderer.edits(renderer.plain):
                for case in renderer.cases:
                    text = renderer.render(day, case, renderer.digits[-1], dress)[0]
                    assert reading(text) == plain, text


def test_no_second_edit_changes_what_is_read_and_spans_stay_right():
    day = date(1987, 11, 23)
    for form in all_forms():
        renderer = Renderer(form)
        plain, spans = renderer.render(day)
        fields = [reading(plain[start:end]) for start, end in spans]
        for first in renderer.edits(renderer.plain):
            for second in renderer.edits(first):
                text, spans = renderer.render(day, dress=second)
                assert reading(text) == reading(plain), text
                assert [reading(text[start:end]) for start, end in spans] == fields, text
                assert unicodedata.normalize("NFKC", text) == text


def test_edits_change_the_text_of_some_day_and_never_run_digits_or_words_together():
    for form in all_forms():
        renderer = Renderer(form)
        for dress in renderer.edits(renderer.plain):
            texts = [renderer.render(day, dress=dress)[0] for day in DAYS]
            assert texts != [renderer.render(day)[0] for day in DAYS]
            assert not any(re.search(r"\d{5}|\.\.|,,|,\.|   ", text) for text in texts), texts[0]
            assert texts == [text.strip() for text in texts]


@pytest.mark.parametrize(
    ("locale", "pattern", "expected", "unwanted"),
    [
        ("en", "MMM d, y", {"Apr 3 2021", "Apr. 3, 2021", "Apr 3, 2021.", "Apr  3, 2021"}, {"Apr 3.2021"}),
        ("fi", "d. MMMM y", {"3 huhtikuuta 2021", "3. huhtikuuta, 2021"}, {"3.huhtikuuta 2021"}),
        ("nl", "d MMM y", {"3-apr-2021", "3/apr/2021", "3.apr.2021"}, {"3-apr 2021"}),
        ("sv", "y-MM-dd", {"2021/04/03", "2021.04.03"}, {"2021 04 03"}),
        ("fr", "d MMM y", {"3 avr 2021"}, {"3-avr.-2021"}),
        ("ar", "EEEE، d MMMM y", {"السبت 3 أبريل 2021", "السبت، 3 أبريل، 2021"}, {"السبت, 3 أبريل 2021"}),
        ("ja", "y/MM/dd", {"2021-04-03"}, {"2021/04/03."}),
        ("so", "dd-MMM-y", {"03-Abr-2021."}, {"03-Abr.-2021"}),
        ("km", "d MMM y", {"3-មេសា-2021", "3/មេសា/2021"}, {"3.មេសា.2021"}),
        ("th", "d MMM y", {"3  เม.ย. 2021"}, {"3 เม.ย., 2021", "3 เม.ย. 2021."}),
    ],
)
def test_edits_are_what_people_type(locale, pattern, expected, unwanted):
    texts = spellings(locale, pattern, date(2021, 4, 3))
    assert expected <= texts
    assert not unwanted & texts


def test_may_is_no_abbreviation_so_it_gets_no_dot():
    assert "May. 3, 2021" not in spellings("en", "MMM d, y", date(2021, 5, 3))


def test_about_two_fifths_of_the_examples_have_noise_in_their_punctuation():
    noisy = list(Dates(count=8_000, locales=("fi", "de", "en", "nl", "ru")))
    plain = Dates(count=8_000, locales=("fi", "de", "en", "nl", "ru"), noise=False)
    changed = Counter(a.source.casefold() != b.source.casefold() for a, b in zip(noisy, plain, strict=True))
    assert [a.target for a in noisy] == [b.target for b in plain]
    assert 0.35 < changed[True] / 8_000 < 0.42
