"""Does the exported model say what the model in process says?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from keras_attn.errors import UserError
from keras_attn.export.outputs import Output
from keras_attn.text.cleaning import clean

TIE = 1e-4


@dataclass(frozen=True)
class Parity:
    """What was seen when a reloaded model decoded the same sentences.

    Args:
        sentences: how many were decoded.
        identical: how many outputs were the same string.
        ties: how many differed with scores (sum of log p) closer than 1e-4: two equally good outputs.
        differences: the others: input, output in process, output of the export, both scores.
        largest_score_difference: over identical outputs.
        modules: what the clean process had imported of TensorFlow and of this package.
    """

    sentences: int
    identical: int
    ties: int
    largest_score_difference: float
    differences: list[dict] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

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


def compare(
    translate: Callable[[Sequence[str]], Output],
    folder: str | os.PathLike[str],
    lines: Sequence[str],
    batch_size: int = 64,
) -> Parity:
    """Reload `folder` in a clean process, decode `lines` there, and compare with `translate`.

    The result is written beside the model, as `assets.extra/parity.json`.

    Raises:
        UserError: the export could not be loaded there.
    """
    lines = [clean(line) for line in lines]  # what JSON and UTF-8 can hold, on both sides
    here = translate(lines)
    reply = _in_clean_process(Path(folder), lines, batch_size)
    identical = ties = 0
    largest, differences = 0.0, []
    for line, ours, ours_score, theirs, theirs_score in zip(
        lines, here.text, here.score.tolist(), reply["text"], reply["score"], strict=True
    ):
        if ours == theirs:
            identical += 1
            largest = max(largest, abs(ours_score - theirs_score))
        elif abs(ours_score - theirs_score) < TIE:
            ties += 1
        else:
            scores = {"in_process_score": ours_score, "exported_score": theirs_score}
            differences.append({"input": line, "in_process": ours, "exported": theirs, **scores})
    parity = Parity(len(lines), identical, ties, largest, differences, reply["modules"])
    extra = Path(folder) / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "parity.json").write_text(json.dumps(asdict(parity), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return parity


def _in_clean_process(folder: Path, lines: Sequence[str], batch_size: int) -> dict:
    script = Path(__file__).with_name("clean_process.py")
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(folder)],
        input=json.dumps({"lines": list(lines), "batch_size": batch_size}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"folder: the model in {folder} could not be used in a clean process: {reason}")
    return json.loads(done.stdout)
