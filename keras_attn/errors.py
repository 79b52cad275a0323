"""The error that says what the user can mend."""

from __future__ import annotations

from collections.abc import Iterable


class UserError(ValueError):
    """Bad input: the message names the argument, what was expected, what came and what to try.

    The command line prints it as one line and exits with status 2.
    """


def expect(holds: bool, name: str, wanted: str, came: object) -> None:
    """Raise unless `holds`: the usual line about an argument that makes no sense.

    >>> expect(0 > 0, "units", "at least 1", 0)
    Traceback (most recent call last):
    ...
    keras_attn.errors.UserError: units: expected at least 1, got 0

    Raises:
        UserError: `holds` is false.
    """
    if not holds:
        raise UserError(f"{name}: expected {wanted}, got {came!r}")


def one_of(name: str, came: object, choices: Iterable[object]) -> None:
    """Raise unless `came` is among the choices.

    >>> one_of("cell", "gur", ("lstm", "gru"))
    Traceback (most recent call last):
    ...
    keras_attn.errors.UserError: cell: expected one of 'lstm', 'gru', got 'gur'

    Raises:
        UserError: it is not.
    """
    choices = list(choices)
    expect(came in choices, name, f"one of {', '.join(map(repr, choices))}", came)
