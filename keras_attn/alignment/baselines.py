"""Alignments that know nothing of a language, to compare others with."""

from __future__ import annotations

from collections.abc import Sequence

from keras_attn.alignment.links import Links


def diagonal(source: Sequence[str], target: Sequence[str]) -> Links:
    """Link the n-th part of one text to the n-th part of the other.

    >>> sorted(diagonal(["a", "b", "c"], ["x", "y"]))
    [(0, 0), (2, 1)]

    Args:
        source, target: the words.
    """
    if not source:
        return frozenset()
    return frozenset((round(_along(place, target) * (len(source) - 1)), place) for place in range(len(target)))


def same_string(source: Sequence[str], target: Sequence[str]) -> Links:
    """Link words that are spelled the same but for case, those nearest to the diagonal if there are several.

    >>> sorted(same_string(["The", "ass", "the"], ["the", "donkey"]))
    [(0, 0)]

    Args:
        source, target: the words; a target word that the source has not gets no link.
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(source):
        places.setdefault(word.casefold(), []).append(place)
    links = set()
    for place, word in enumerate(target):
        here = _along(place, target)
        if same := places.get(word.casefold()):
            links.add((min(same, key=lambda other: abs(_along(other, source) - here)), place))
    return frozenset(links)


def _along(place: int, words: Sequence[str]) -> float:
    """How far along the text a word stands: 0 is the first, 1 the last."""
    return place / max(1, len(words) - 1)
