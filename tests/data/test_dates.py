"""The promises of the `dates` corpus, looked at through its examples."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import date

import pytest

from keras_attn.data.dates import LOCALES, Dates, corpus, days_of
from keras_attn.data.dates.locales import native_digits
from keras_attn.data.dates.split import split_of
from keras_attn.errors import UserError
from keras_attn.text.vocabulary import Vocabulary

LATIN = "0123456789"


@pytest.fixture(scope="module")
def examples():
    return list(Dates("valid", count=40_000, seed=5))


def test_splits_share_no_day_and_cover_two_centuries():
    train, valid, test = (set(days_of(split)) for split in ("train", "valid", "test"))
    assert len(train) + len(valid) + len(test) == len(train | valid | test) == 73_049
    assert min(train | valid | test) == date(1900, 1, 1)
    assert max(train | valid | test) == date(2099, 12, 31)
    assert 7_000 < len(valid) < 7_600
    assert 7_000 < len(test) < 7_600


def test_the_split_of_a_day_never_changes():
    days = [date(2026, 1, day) for day in (13, 14, 15, 19, 26, 29)]
    assert [split_of(day) for day in days] == ["train", "valid", "train", "test", "test", "valid"]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_examples_keep_to_the_days_of_their_split(split):
    allowed = {day.isoformat() for day in days_of(split)}
    for seed in (0, 7):
        assert {pair.target for pair in Dates(split, count=5_000, seed=seed)} <= allowed


def test_spans_select_year_month_and_day(examples):
    for pair in examples:
        year, month, day = (pair.source[start:end] for start, end in pair.spans)
        digits = LATIN if year.isascii() else native_digits(pair.locale)
        assert year.translate(str.maketrans(digits, LATIN)) == pair.target[:4]
        assert int(day.translate(str.maketrans(digits, LATIN))) == int(pair.target[8:])
        if month[0].isdecimal() and month[-1].isdecimal():
            assert int(month.translate(str.maketrans(digits, LATIN))) == int(pair.target[5:7])


def test_a_month_span_names_one_month_only(examples):
    months = {}
    for pair in examples:
        if any(map(str.isalpha, pair.source)):
            name = (pair.locale, pair.source[slice(*pair.spans.month)])
            assert months.setdefault(name, pair.target[5:7]) == pair.target[5:7], name


def test_spans_do_not_overlap_and_leave_no_digit_uncovered(examples):
    for pair in examples:
        inside = {index for start, end in pair.spans for index in range(start, end)}
        assert len(inside) == sum(end - start for start, end in pair.spans)
        outside = [character for index, character in enumerate(pair.source) if index not in inside]
        if pair.locale != "vi":  # Vietnamese numbers its weekdays: Th 7
            assert not any(map(str.isdecimal, outside)), pair


def test_no_source_means_two_days(examples):
    days = {}
    for pair in examples:
        assert days.setdefault(pair.source, pair.target) == pair.target, pair


def test_sources_are_what_the_tokenizer_makes_of_them(examples):
    sources = [pair.source for pair in examples]
    assert all(unicodedata.normalize("NFKC", source) == source for source in sources)
    vocabulary = Vocabulary.train(sources[:5_000], size=2_000, model="char")
    assert [vocabulary.normalize(source) for source in sources[:5_000]] == sources[:5_000]
    assert not {"\u202f", "\xa0", "\u200e", "\u200f", "\u061c"} & set("".join(sources))


def test_locales_are_many_and_all_occur(examples):
    assert len(LOCALES) == len(set(LOCALES)) >= 90
    assert {"zh", "ja", "ko", "ar", "hi", "th", "ru", "el", "fi", "tr"} <= set(LOCALES)
    assert {pair.locale for pair in examples} == set(LOCALES)


def test_every_form_is_as_frequent_as_any_other():
    dates = Dates(count=60_000)
    counts = Counter((pair.locale, pair.form) for pair in dates)
    assert set(counts) == set(dates.forms)
    expected = 60_000 / len(dates.forms)
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert abs(chi_square - len(counts)) < 5 * (2 * len(counts)) ** 0.5


def test_days_of_a_form_are_spread_over_the_years_and_months():
    pairs = list(Dates(count=36_000, locales=("fi",)))
    months = Counter((pair.form, pair.target[5:7]) for pair in pairs)
    decades = Counter((pair.form, pair.target[:3]) for pair in pairs)
    assert len(months) == 3 * 12
    assert len(decades) == 3 * 20
    assert all(850 < count < 1_150 for count in months.values())
    assert all(480 < count < 720 for count in decades.values())


def test_balanced_gives_every_locale_its_share_from_the_start():
    counts = Counter(pair.locale for pair in Dates("test", count=3 * len(LOCALES), balanced=True))
    assert set(counts) == set(LOCALES)
    assert set(counts.values()) == {3}


@pytest.mark.parametrize("locale", ["ar", "fa", "hi", "th", "bn", "my", "mr", "ne"])
def test_native_digits_are_about_half(locale):
    pairs = list(Dates(count=1_000, locales=(locale,)))
    native = [pair for pair in pairs if set(native_digits(locale)) & set(pair.source)]
    assert 430 < len(native) < 570
    assert not any(set(LATIN) & set(pair.source) for pair in native)


def test_case_varies_where_the_script_has_case():
    russian = [pair.source for pair in Dates(count=1_000, locales=("ru",))]
    assert 130 < sum(source.isupper() for source in russian) < 280
    for locale in ("ka", "ga", "th"):  # no capitals in print; mutation letters stay small; no case
        assert not any(pair.source.isupper() for pair in Dates(count=200, locales=(locale,)))
    turkish = " ".join(pair.source for pair in Dates(count=2_000, locales=("tr",)))
    assert "HAZİRAN" in turkish
    assert "KASIM" in turkish
    assert "kasım" in turkish
    assert "HAZIRAN" not in turkish
    assert "kasim" not in turkish
    assert not {"\u0307", "İ"} & set("".join(source for source in turkish.split() if source.islower()))


def test_the_same_arguments_give_the_same_examples_and_others_do_not():
    first = list(Dates(count=5_000, seed=3))
    corpus._draws.cache_clear()
    assert list(Dates(count=5_000, seed=3)) == first
    assert list(Dates(count=9_000, seed=3))[:5_000] == first
    assert list(Dates(count=5_000, seed=4)) != first
    assert first[4_096:] != first[: 5_000 - 4_096]  # numbers are drawn for 4,096 examples at a time
    assert [pair[:2] for pair in Dates("valid", count=50, seed=3)] != [pair[:2] for pair in first[:50]]


def test_an_example_can_be_asked_for_alone():
    dates = Dates(count=9_000, seed=3)
    pairs = list(dates)
    corpus._draws.cache_clear()
    assert [dates[index] for index in (0, 4_095, 4_096, 8_999)] == [pairs[i] for i in (0, 4_095, 4_096, 8_999)]
    assert dates[-1] == pairs[-1]
    with pytest.raises(IndexError, match="9000"):
        dates[9_000]


def test_this_example_stays_as_it_is_on_every_machine():
    assert Dates("test", count=1, locales=("ru",))[0][:2] == ("19 мая, 1980 г.", "1980-05-19")


def test_pairs_are_plain_and_can_be_gone_through_twice():
    dates = Dates(count=300)
    pairs = dates.pairs()
    assert len(pairs) == len(dates) == 300
    assert list(pairs) == list(pairs) == [(pair.source, pair.target) for pair in dates]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "split: expected one of train, valid, test; got 'dev'"),
        (
            {"locales": ("zh-Hans",)},
            "locales: 'zh-Hans' is not one of the 92 known; did you mean zh or zh_Hant",
        ),
        ({"locales": ("klingon!",)}, "locales: 'klingon!' .*known: af am ar"),
        ({"locales": "fi"}, r"locales: expected a sequence of names, such as \('fi',\)"),
        ({"locales": ()}, "locales: expected one name or more; got none"),
        ({"count": -1}, "count: expected a whole number from 0 up; got -1"),
        ({"count": 1.5}, "count: expected a whole number from 0 up; got 1.5"),
        ({"seed": -2}, "seed: expected a whole number from 0 up; got -2"),
    ],
)
def test_a_wrong_argument_is_refused_in_words(arguments, message):
    with pytest.raises(UserError, match=message):
        Dates(**arguments)
