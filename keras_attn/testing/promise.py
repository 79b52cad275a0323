"""One thing a layer or a model promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from keras_attn.testing.finding import Finding
from keras_attn.testing.not_applicable import NotApplicable
from keras_attn.testing.outcome import Outcome
from keras_attn.testing.statement import Statement


@dataclass(frozen=True)
class Promise:
    """A name, a sentence for the table, and the function that looks.

    Args:
        name: short, for tables and messages.
        sentence: what is promised.
        look: yields what it compares; raises `NotApplicable` with the reason where there is nothing to compare.
    """

    name: str
    sentence: str
    look: Callable[[Any], Iterable[Statement]]

    def judge(self, subject: Any) -> Outcome:
        """Held, broken (with every place where it is), or not applicable. Nothing compared is not held."""
        compared, reason, error, found = 0, "there was nothing to compare", None, []
        try:
            for statement in self.look(subject):
                compared += statement.size
                index = statement.first
                if index is not None:
                    found.append(Finding(statement.what, index, *statement.at(index)))
        except NotApplicable as why:
            reason = str(why)
        except Exception as raised:  # whatever a layer may raise
            error = raised
            found.append(Finding(f"{type(error).__name__}: {_told(error)}"))
        if found:
            return Outcome(subject.name, self.name, "broken", f"{compared} numbers compared", tuple(found), error)
        if compared:
            return Outcome(subject.name, self.name, "held", f"{compared} numbers compared")
        return Outcome(subject.name, self.name, "-", reason)


def _told(error: Exception) -> str:
    """The first line that says something: Keras wraps messages in others and in colors."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("Exception encountered")), "no message")
