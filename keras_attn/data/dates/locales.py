"""Which languages the corpus speaks, and the digits they write besides 0-9."""

from __future__ import annotations

import unicodedata

from babel import Locale

# Languages whose Gregorian dates CLDR covers well. Left out: those with placeholder months ("M04") or with
# the root pattern only, and second names of the same data (no = nb).
_NAMES = """
    af am ar as az be bg bn bs ca cs cy da de el en en_GB es et eu fa fi fil fr ga gd gl gu ha he hi hr hsb hu
    hy id ig is it ja jv ka kk km kn ko kok ky lo lt lv mk ml mn mr ms my nb ne nl nn or pa pl ps pt ro ru sd
    si sk sl so sq sr sr_Latn sv sw ta te th tk tr uk ur uz vi yo yue zh zh_Hant zu
"""
LOCALES: tuple[str, ...] = tuple(_NAMES.split())

# CLDR's name of a numbering system -> Unicode's name of its zero. The ten digits of a decimal system are
# consecutive in Unicode. Chinese (hanidec) is not here: people write the day as 十二, not digit by digit;
# Tamil and Malayalam digits are of historical use only.
_ZERO = {
    "arab": "ARABIC-INDIC DIGIT ZERO",
    "arabext": "EXTENDED ARABIC-INDIC DIGIT ZERO",
    "beng": "BENGALI DIGIT ZERO",
    "deva": "DEVANAGARI DIGIT ZERO",
    "gujr": "GUJARATI DIGIT ZERO",
    "guru": "GURMUKHI DIGIT ZERO",
    "khmr": "KHMER DIGIT ZERO",
    "knda": "KANNADA DIGIT ZERO",
    "laoo": "LAO DIGIT ZERO",
    "mymr": "MYANMAR DIGIT ZERO",
    "orya": "ORIYA DIGIT ZERO",
    "telu": "TELUGU DIGIT ZERO",
    "thai": "THAI DIGIT ZERO",
}


def native_digits(locale: str) -> str | None:
    """Return the ten native digits of a locale from zero to nine, or None where 0-9 are the only ones in use.

    >>> native_digits("hi"), native_digits("fi")
    ('०१२३४५६७८९', None)
    """
    name = _ZERO.get(Locale.parse(locale).other_numbering_systems.get("native", "latn"))
    return "".join(chr(ord(unicodedata.lookup(name)) + digit) for digit in range(10)) if name else None
