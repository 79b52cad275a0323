"""What held, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_attn.testing.broken import Broken
from keras_attn.testing.outcome import Outcome
from keras_attn.testing.promise import Promise

if TYPE_CHECKING:
    from rich.console import RenderableType

COLORS = {"held": "green", "broken": "red", "-": "dim"}


@dataclass(frozen=True)
class Report:
    """Every promise of every case of a layer or model.

    Args:
        title: the layer's or model's name.
        promises: in the table's order.
        outcomes: one for each promise and case.
    """

    title: str
    promises: Sequence[Promise]
    outcomes: Sequence[Outcome]

    @property
    def broken(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.verdict == "broken"]

    @property
    def held(self) -> list[str]:
        """Names of promises that held in every case to which they apply, and apply to one."""
        return [name for name, verdicts in self._verdicts().items() if set(verdicts) in ({"held"}, {"held", "-"})]

    def raise_if_broken(self) -> Report:
        if self.broken:
            error = next((outcome.error for outcome in self.broken if outcome.error), None)
            raise Broken(self.broken) from error
        return self

    def print(self) -> None:
        from rich.console import Console

        console = Console()
        console = console if console.is_terminal else Console(width=120)
        console.print(self)

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        cases = list(dict.fromkeys(outcome.name for outcome in self.outcomes))
        table = Table("promise", *(case.removeprefix(f"{self.title} ") for case in cases), "", title=self.title)
        found = {(outcome.promise, outcome.name): outcome for outcome in self.outcomes}
        for promise in self.promises:
            row = [outcome for case in cases if (outcome := found.get((promise.name, case)))]
            if row:
                marks = [Text(outcome.verdict, COLORS[outcome.verdict]) for outcome in row]
                table.add_row(promise.name, *marks, _remark(promise, row))
        return Group(table, *(Text(str(outcome), COLORS["broken"]) for outcome in self.broken))

    def _verdicts(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.promise, []).append(outcome.verdict)
        return found


def _remark(promise: Promise, row: list[Outcome]) -> str:
    """What is promised; where no case could be checked, why."""
    verdicts = {outcome.verdict for outcome in row}
    return "; ".join(dict.fromkeys(outcome.reason for outcome in row)) if verdicts == {"-"} else promise.sentence
