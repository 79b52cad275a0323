"""Do two models say the same?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_attn.export.outputs import Output

TIE = 1e-4
CLOSE = 1e-3  # of scores of the same output, relative where log p is below -1


@dataclass(frozen=True)
class Agreement:
    """What was seen when another copy of a model decoded the same sentences.

    Args:
        sentences: how many were decoded.
        identical: how many outputs were the same string, with the same score and cut or not alike.
        ties: how many differed with scores (sum of log p) closer than 1e-4: two equally good outputs.
        largest_score_difference: over identical outputs.
        differences: the others: input, output in process, output of the export, both scores.
    """

    sentences: int
    identical: int
    ties: int
    largest_score_difference: float
    differences: list[dict] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[str], here: Output, there: Output) -> Agreement:
        """Compare what was said of each line."""
        identical = ties = 0
        largest, differences = 0.0, []
        for line, ours, our_score, our_cut, theirs, their_score, their_cut in zip(
            lines,
            *(here.text, here.score.tolist(), here.truncated.tolist()),
            *(there.text, there.score.tolist(), there.truncated.tolist()),
            strict=True,
        ):
            apart = abs(our_score - their_score)
            if ours == theirs and our_cut == their_cut and apart <= CLOSE * max(1, abs(our_score)):
                identical += 1
                largest = max(largest, apart)
            elif ours != theirs and our_cut == their_cut and apart < TIE:
                ties += 1
            else:
                scores = {"in_process_score": our_score, "exported_score": their_score}
                differences.append({"input": line, "in_process": ours, "exported": theirs, **scores})
        return cls(len(lines), identical, ties, largest, differences)

    @property
    def holds(self) -> bool:
        """Whether every output was identical or a tie."""
        return self.identical + self.ties == self.sentences

    def __str__(self) -> str:
        return (
            f"{self.identical} of {self.sentences} outputs identical, {self.ties} ties (score difference below {TIE}), "
            f"{len(self.differences)} differences; scores of identical outputs within "
            f"{self.largest_score_difference:.1e}"
        )
