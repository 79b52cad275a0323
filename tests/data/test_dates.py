"""The promises of the `dates` corpus, looked at through its examples."""

from __future__ import annotations

import unicodedata

import pytest

from keras_attn.data.dates import LOCALES, Dates, days_of
from keras_attn.errors import UserError


def test_splits_share_no_day_and_cover_every_day_once():
    train, valid, test = (set(days_of(split)) for split in ("train", "valid", "test"))
    assert len(train) + len(valid) + len(test) == len(train | valid | test) == 73_049


def test_sources_are_in_nfkc():
    for pair in Dates(count=20_000):
        assert unicodedata.normalize("NFKC", pair.source) == pair.source


def test_at_least_sixty_locales_all_of_which_occur():
    assert len(LOCALES) >= 60
    assert {pair.locale for pair in Dates("valid", count=20_000)} == set(LOCALES)


def test_unknown_locale_is_refused_with_a_near_name():
    with pytest.raises(UserError, match=r"locales: 'zh-Hans'.*zh_Hant"):
        Dates(locales=("zh-Hans",))
