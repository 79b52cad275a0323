"""A promise that a layer does not make."""

from __future__ import annotations


class NotApplicable(Exception):  # no error
    """Says why a promise has nothing to check here."""


def needs(condition: object, why_not: str) -> None:
    """Raise `NotApplicable` unless `condition`."""
    if not condition:
        raise NotApplicable(why_not)
