"""What became of one promise of one layer or model."""

from __future__ import annotations

from dataclasses import dataclass, field

from keras_attn.testing.finding import Finding


@dataclass(frozen=True)
class Outcome:
    """A verdict, and where a promise broke.

    Args:
        name: the layer's or model's.
        promise: the promise's name.
        verdict: "held", "broken", or "-": it does not apply.
        reason: why it does not apply, or how much was compared.
        findings: where it broke, in the order in which it was seen.
        error: what the layer raised.
    """

    name: str
    promise: str
    verdict: str
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    error: Exception | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.name}: {self.promise}: {self.verdict} ({self.reason})"
        more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
        return f"{self.name}: {self.promise}: {self.findings[0]}{more}"
