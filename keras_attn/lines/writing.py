"""How what was decoded is written: a line of fields, or of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})


@dataclass(frozen=True)
class Decoded:
    """What became of one line.

    Args:
        outputs: texts with their scores, best first; none for a line that the model has not seen.
        alignment: where the first one looked, an `export.Alignment`, if that was asked for.
        truncated: whether the line was longer than the model reads.
    """

    outputs: list[tuple[str, float]] = field(default_factory=list)
    alignment: Any = None
    truncated: bool = False


def one_line(text: str) -> str:
    """`text` without line breaks and tabs: a model that can write any byte can write those too."""
    return text.translate(_BREAKS)


@dataclass(frozen=True)
class Fields:
    """A line for each output: its text, and what was asked for behind tabs.

    >>> Fields(scores=True, n_best=2)(Decoded([("a cat", -0.5)]))
    ['a cat\\t-0.5000', '\\t']

    Args:
        scores: add the score.
        alignments: add pairs i-j: output token j looked most at source token i.
        n_best: lines for each line, some of them empty where there are fewer outputs.
    """

    scores: bool = False
    alignments: bool = False
    n_best: int = 1

    def __call__(self, decoded: Decoded) -> list[str]:
        return ["\t".join(self._fields(decoded, place)) for place in range(self.n_best)]

    def _fields(self, decoded: Decoded, place: int) -> list[str]:
        found = place < len(decoded.outputs)
        text, score = decoded.outputs[place] if found else ("", None)
        fields = [one_line(text)]
        if self.scores:
            fields.append("" if score is None else f"{score:.4f}")
        if self.alignments:
            pairs = links(decoded.alignment) if place == 0 and decoded.alignment is not None else []
            fields.append(" ".join(f"{source}-{target}" for source, target in pairs))
        return fields


@dataclass(frozen=True)
class Json:
    """An object for each line.

    >>> Json()(Decoded([("a cat", -0.5)]))
    ['{"text": "a cat", "score": -0.5}']

    Args:
        n_best: with more than one, "outputs" is a list of texts with their scores.
    """

    n_best: int = 1

    def __call__(self, decoded: Decoded) -> list[str]:
        rows = [{"text": text, "score": round(score, 4)} for text, score in decoded.outputs[: self.n_best]]
        best: dict[str, Any] = dict(rows[0]) if rows else {"text": "", "score": None}
        if self.n_best > 1:
            best["outputs"] = rows
        if (alignment := decoded.alignment) is not None:
            best["source_tokens"], best["target_tokens"] = alignment.source_tokens, alignment.target_tokens
            best["alignment"] = [list(pair) for pair in links(alignment)]
        return [json.dumps(best, ensure_ascii=False)]


def links(alignment: Any) -> list[tuple[int, int]]:
    """(source token, target token) for each target token that looked anywhere: where it looked most."""
    if not alignment.weights.size:
        return []
    rows = enumerate(zip(alignment.weights.argmax(axis=1), alignment.weights.max(axis=1), strict=True))
    return [(int(source), target) for target, (source, most) in rows if most > 0]
