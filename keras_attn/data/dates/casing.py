"""Upper and lower case as each language has them."""

from __future__ import annotations

import unicodedata
from typing import Literal

Case = Literal["plain", "lower", "upper"]

_DOTTED_I = ("az", "tr")
_NO_UPPER = ("ga",)  # Irish keeps the mutation letter small: Dé hAoine -> DÉ hAOINE
# Georgian has capitals in Unicode (Mtavruli), but few fonts and fewer writers do.
_CASED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN")


def cases(locale: str, sample: str) -> tuple[Case, ...]:
    """Return the cases that a locale writes, judged by the script of `sample`, a word of it."""
    letter = next(character for character in sample if character.isalpha())
    if not unicodedata.name(letter).startswith(_CASED_SCRIPTS):
        return ("plain",)
    return ("plain", "lower") if locale in _NO_UPPER else ("plain", "lower", "upper")


def recase(text: str, case: Case, locale: str) -> str:
    """Return `text` in a case: Turkish and Azerbaijani keep i/İ and ı/I apart, Greek capitals lose accents.

    >>> recase("Kasım", "upper", "tr"), recase("İyun", "lower", "az"), recase("Απριλίου", "upper", "el")
    ('KASIM', 'iyun', 'ΑΠΡΙΛΙΟΥ')
    """
    if case == "plain":
        return text
    if case == "lower":
        if locale in _DOTTED_I:
            text = text.replace("İ", "i").replace("I", "ı")
        return unicodedata.normalize("NFKC", text.lower())
    if locale in _DOTTED_I:
        text = text.replace("i", "İ")
    text = text.upper()
    if locale == "el":
        text = unicodedata.normalize("NFD", text).replace("\u0301", "")
    return unicodedata.normalize("NFKC", text)
