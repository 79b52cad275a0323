"""Make any Python string one that UTF-8 can carry."""

from __future__ import annotations


def clean(text: str) -> str:
    """Join surrogate pairs and replace lone surrogates by U+FFFD; every other string comes back as it is.

    >>> clean("a\\ud83d\\ude00b\\ud800") == "a\\U0001f600b\\ufffd"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
