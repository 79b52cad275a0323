"""How a piece of CLDR text enters the corpus, and what a reader takes from a finished string."""

from __future__ import annotations

import re
import sys
import unicodedata

_BIDI_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u061c"))
_TO_ASCII_DIGIT = {
    code: str(unicodedata.decimal(chr(code)))
    for code in range(128, sys.maxunicode + 1)
    if unicodedata.category(chr(code)) == "Nd"
}
_SEPARATORS = re.compile(r"[\s,،፣./-]+")
_DOT_OR_ACUTE_ABOVE = {0x0307: None, 0x0301: None}


def clean(text: str) -> str:
    r"""Return the text in NFKC, which also turns no-break spaces into plain ones, without direction marks.

    >>> clean("3\u200f/4\u202f（土）")
    '3/4 (土)'
    """
    return unicodedata.normalize("NFKC", text.translate(_BIDI_MARKS))


def reading(text: str) -> str:
    """Return what is left of a date without case, punctuation, native digits and the accents case removes.

    Noise and case never change the reading: if a reading means one day, so do all its spellings.

    >>> reading("3. ΑΠΡΙΛΙΟΥ, 2021.") == reading("3 Απριλίου 2021")
    True
    >>> reading("03-Nisan-٢٠٢١")
    '3 nisan 2021'
    """
    text = unicodedata.normalize("NFKD", text.translate(_TO_ASCII_DIGIT)).casefold().replace("ı", "i")
    text = unicodedata.normalize("NFC", text.translate(_DOT_OR_ACUTE_ABOVE))
    text = _SEPARATORS.sub(" ", text).strip()
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)
