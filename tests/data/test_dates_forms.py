"""The forms: as Babel prints them, and none that could be read as another day."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

import pytest
from babel.dates import DateTimeFormat, format_date, format_skeleton, parse_pattern

from keras_attn.data.dates import Dates, all_forms
from keras_attn.data.dates.casing import recase
from keras_attn.data.dates.clean import reading
from keras_attn.data.dates.form import Form
from keras_attn.data.dates.forms import forms_by_locale
from keras_attn.data.dates.renderer import Renderer

# Together these years have every day of the year on every day of the week, 29 February included.
LEAP_YEARS = (1904, 1908, 1912, 1916, 1920, 1924, 1928)


def days_of_year(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=offset) for offset in range(366)]


def printed(text: str) -> str:
    return unicodedata.normalize("NFKC", re.sub("[\u200e\u200f\u061c]", "", text))


def test_without_noise_an_example_is_what_babel_prints():
    for pair in Dates("valid", count=10_000, noise=False):
        day = date.fromisoformat(pair.target)
        assert pair.source == printed(format_date(day, pair.form, locale=pair.locale)), pair


def test_every_form_prints_every_month_and_weekday_as_babel_does():
    days = [date(2024, month, day) for month in range(1, 13) for day in (1, 9, 11, 30) if (month, day) != (2, 30)]
    for form in all_forms():
        renderer = Renderer(form)
        for day in days:
            expected = printed(parse_pattern(form.pattern) % DateTimeFormat(day, form.locale))
            assert renderer.render(day)[0] == expected, form


def test_the_named_formats_of_babel_are_among_the_forms():
    day = date(1987, 11, 23)
    for locale, width in (("de", "long"), ("ja", "full"), ("th", "full"), ("sv", "short"), ("fa", "medium")):
        texts = {Renderer(form).render(day)[0] for form in forms_by_locale()[locale]}
        assert printed(format_date(day, width, locale=locale)) in texts
    texts = {Renderer(form).render(day)[0] for form in forms_by_locale()["es"]}
    assert printed(format_skeleton("yMMMEd", day, locale="es")) in texts


def test_no_string_is_read_as_two_days_in_any_locale():
    checked = 0
    for year in LEAP_YEARS:
        read: dict[str, date] = {}
        for form in all_forms():
            if year != LEAP_YEARS[0] and not form.weekdays:
                continue
            renderer = Renderer(form)
            for day in days_of_year(year):
                if year != LEAP_YEARS[0] and day.day > 7:
                    continue  # every month on every weekday is enough once every day was seen
                if day.month not in form.ambiguous_months:
                    text = reading(renderer.render(day)[0])
                    assert read.setdefault(text, day) == day, (text, form)
                    checked += 1
    assert checked > 200_000


def test_the_year_is_the_only_number_of_four_digits_so_two_years_are_never_taken_for_each_other():
    for form in all_forms():
        text = reading(Renderer(form).render(date(1987, 11, 23))[0])
        assert re.findall(r"\d{3,}", text) == ["1987"], form


def test_october_in_croatian_is_november_in_polish_so_neither_is_written():
    croatian = [form for form in forms_by_locale()["hr"] if form.pattern == "d. MMMM y."]
    polish = [form for form in forms_by_locale()["pl"] if form.pattern == "d MMMM y"]
    assert croatian[0].months[9] == polish[0].months[10] == "listopada"
    assert croatian[0].ambiguous_months == {10}
    assert polish[0].ambiguous_months == {11}
    pairs = list(Dates(count=4_000, locales=("hr", "pl"), noise=False))
    written = {(pair.locale, pair.target[5:7]) for pair in pairs if re.match(r"\d+\.? listopada", pair.source)}
    assert written == set()


def test_numbers_alone_are_written_year_first_only():
    for form in all_forms():
        if not form.months:
            assert "yMd" in "".join(form.kinds), form
    patterns = {(form.locale, form.pattern) for form in all_forms()}
    assert ("sv", "y-MM-dd") in patterns
    for ambiguous in (
        ("de", "dd.MM.y"),
        ("en", "M/d/y"),
        ("ky", "y-dd-MM"),
        ("ko", "yy. M. d."),
        ("yo", "d MM y"),
    ):
        assert ambiguous not in patterns


def test_no_two_forms_of_a_locale_always_print_the_same():
    days = [date(2024, month, day) for month in range(1, 13) for day in range(1, 9)]
    for forms in forms_by_locale().values():
        texts = [tuple(Renderer(form).render(day)[0] for day in days) for form in forms]
        assert len(set(texts)) == len(texts), forms[0].locale


def test_a_pattern_is_cut_into_fields_and_literals():
    form = Form.parse("th", "EEEEที่ d MMMM G y")
    assert form.kinds == ("E", "d", "M", "y")
    assert form.literals == ("", "ที่ ", " ", " ค.ศ. ", "")
    assert form.months[3] == "เมษายน"
    assert form.weekdays[5] == "วันเสาร์"


@pytest.mark.parametrize(
    ("locale", "text", "lower", "upper"),
    [
        ("tr", "Kasım İzin", "kasım izin", "KASIM İZİN"),
        ("az", "iyun İyun Ilıq", "iyun iyun ılıq", "İYUN İYUN ILIQ"),
        ("en", "Friday", "friday", "FRIDAY"),
        ("el", "Μαΐου Απριλίου", "μαΐου απριλίου", "ΜΑΪΟΥ ΑΠΡΙΛΙΟΥ"),
        ("el", "Μάρτιος", "μάρτιος", "ΜΑΡΤΙΟΣ"),
        ("ru", "Мая", "мая", "МАЯ"),
    ],
)
def test_case_follows_the_language(locale, text, lower, upper):
    assert recase(text, "lower", locale) == lower
    assert recase(text, "upper", locale) == upper
