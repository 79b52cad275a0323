"""Scores of decoded text: over everything and by the length of the source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_attn.errors import UserError
from keras_attn.training import text_scores
from keras_attn.training.examples import Decode, decode_all, sources_and_references

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.table import Table


@dataclass(frozen=True)
class Bucket:
    """Scores (0 to 100) of the sources whose length lies in `low` to `high`, both included."""

    low: int
    high: int
    count: int
    bleu: float
    chrf: float
    exact_match: float


@dataclass(frozen=True)
class Evaluation:
    """Scores of decoded text, each 0 to 100.

    Attributes:
        bleu, chrf, exact_match: over all sources.
        signature_bleu, signature_chrf: sacreBLEU's, to print beside the number.
        hypotheses: one string per source, in the order of the sources.
        by_length: the same scores per range of source length.
        length_unit: what `by_length` counts in, "words" or "characters".
    """

    bleu: float
    chrf: float
    exact_match: float
    signature_bleu: str
    signature_chrf: str
    hypotheses: list[str] = field(repr=False)
    by_length: list[Bucket] = field(repr=False)
    length_unit: str

    def __str__(self) -> str:
        return (
            f"BLEU {self.bleu:.1f}  chrF2 {self.chrf:.1f}  exact match {self.exact_match:.1f} %  "
            f"({len(self.hypotheses)} sentences)"
        )

    def table(self) -> Table:
        """Return a table for `rich.print`: a row per range of source length, then one over everything."""
        from rich.table import Table

        signatures = (f"BLEU {self.signature_bleu}", f"chrF2 {self.signature_chrf}")
        table = Table(
            caption="\n".join(signatures),
            caption_justify="left",
            min_width=max(map(len, signatures)),  # else they break inside a word
        )
        table.add_column(f"source {self.length_unit}")
        for name in ("sentences", "BLEU", "chrF2", "exact match"):
            table.add_column(name, justify="right")
        for i, row in enumerate(self.by_length):
            label = f"{row.low}–{row.high}" if row.low != row.high else f"{row.low}"
            cells = (f"{row.bleu:.1f}", f"{row.chrf:.1f}", f"{row.exact_match:.1f} %")
            table.add_row(label, str(row.count), *cells, end_section=i + 1 == len(self.by_length))
        total = (f"{self.bleu:.1f}", f"{self.chrf:.1f}", f"{self.exact_match:.1f} %")
        table.add_row("all", str(len(self.hypotheses)), *total, style="bold")
        return table


def evaluate(
    decode: Decode,
    sources: Any,
    references: Iterable[str | Sequence[str]] | None = None,
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
    buckets: int = 4,
    batch_size: int | None = 64,
) -> Evaluation:
    """Decode every source and score the outputs: BLEU, chrF and exact match, each 0 to 100.

    Args:
        decode: a list of strings in, a list of strings (or an object with `.text`) out.
        sources: `n` strings; or, without `references`, `(source, target)` pairs or what `data.read_pairs`
            gives.
        references: per source a string or a list of strings; their number may differ.
        lowercase: compare without case, in all three scores.
        tokenize: sacreBLEU's tokenizer for BLEU, see `text_scores.bleu`. Text of fewer than four tokens, as
            one date, has no 4-gram: there read exact match, BLEU is 0.
        buckets: at most so many ranges of source length with about equally many sources; 0 for none. Lengths
            are counted in words if at least half of the sources have two or more, otherwise in characters.
        batch_size: sources per call of `decode`; None for all at once.

    Raises:
        UserError: if lengths differ, nothing is there to score, the tokenizer is unknown, or `decode` does
            not return one string per source.

    >>> same = evaluate(lambda sources: sources, ["a cat sat on it"], ["a cat sat on it"])
    >>> same.bleu, same.chrf, same.exact_match
    (100.0, 100.0, 100.0)
    """
    sources, lists = sources_and_references(sources, references)
    if buckets < 0:
        raise UserError(f"buckets: expected 0 or more, got {buckets}")
    text_scores.bleu([""], [[""]], tokenize=tokenize)  # decoding takes minutes: refuse a misspelling before it
    hypotheses = decode_all(decode, sources, batch_size)

    def scores(chosen: Sequence[int]) -> tuple[tuple[float, str], tuple[float, str], float]:
        outputs, wanted = [hypotheses[i] for i in chosen], [lists[i] for i in chosen]
        return (
            text_scores.bleu(outputs, wanted, tokenize=tokenize, lowercase=lowercase),
            text_scores.chrf(outputs, wanted, lowercase=lowercase),
            text_scores.exact_match(outputs, wanted, lowercase=lowercase),
        )

    (bleu, signature_bleu), (chrf, signature_chrf), exact_match = scores(range(len(sources)))
    lengths, unit = source_lengths(sources)
    by_length = []
    for low, high in length_ranges(lengths, buckets):
        chosen = np.flatnonzero((lengths >= low) & (lengths <= high))
        (b, _), (c, _), e = scores(chosen.tolist())
        by_length.append(Bucket(low=low, high=high, count=len(chosen), bleu=b, chrf=c, exact_match=e))
    return Evaluation(
        bleu=bleu,
        chrf=chrf,
        exact_match=exact_match,
        signature_bleu=signature_bleu,
        signature_chrf=signature_chrf,
        hypotheses=hypotheses,
        by_length=by_length,
        length_unit=unit,
    )


def source_lengths(sources: Sequence[str]) -> tuple[NDArray[np.int64], str]:
    """Return the length of every source, and whether they are "words" or "characters"."""
    words = [len(source.split()) for source in sources]
    if 2 * sum(n > 1 for n in words) >= len(sources):
        return np.asarray(words, dtype=np.int64), "words"
    return np.asarray([len(source.strip()) for source in sources], dtype=np.int64), "characters"


def length_ranges(lengths: NDArray[np.int64], buckets: int) -> list[tuple[int, int]]:
    """Return at most `buckets` ranges `(low, high)`, both ends included, that meet every length once.

    The upper ends are quantiles of the lengths; equal ones fall together, so no range is empty.

    >>> length_ranges(np.array([1, 1, 1, 2, 3, 9]), 3)
    [(1, 1), (2, 2), (3, 9)]
    """
    shares = np.arange(1, buckets + 1) / buckets
    highs = np.unique(np.quantile(lengths, shares, method="inverted_cdf"))
    ranges, low = [], int(lengths.min())
    for high in highs:
        ranges.append((low, int(high)))
        low = int(high) + 1
    return ranges
