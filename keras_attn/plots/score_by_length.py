"""How well systems do on short and on long sentences, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from keras_attn.errors import UserError
from keras_attn.plots.labels import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LengthBucket(Protocol):
    """What `keras_attn.training.evaluate` gives per range of source lengths."""

    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...
    @property
    def count(self) -> int: ...


def by_length(
    systems: Mapping[str, Sequence[LengthBucket]],
    *,
    score: str = "bleu",
    unit: str = "words",
    title: str | None = None,
) -> Figure:
    """Draw one group of bars per range of source lengths, one bar per system.

    Args:
        systems: name -> buckets, e.g. `{"additive": evaluation.by_length}`; the same ranges for every system.
        score: the attribute to draw: "bleu", "chrf" or "exact_match" (0 to 100).
        unit: what lengths are counted in, for the axis: `evaluation.length_unit`.
        title: a line above the picture.

    Returns:
        A matplotlib `Figure` of its own.

    Raises:
        UserError: if there is nothing to draw, the ranges differ, or a bucket has no such score.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ranges = [(bucket.low, bucket.high, bucket.count) for bucket in next(iter(systems.values()), [])]
    if not ranges:
        raise UserError("systems: expected a name and buckets for at least one system, got none")
    for name, buckets in systems.items():
        other = [(bucket.low, bucket.high, bucket.count) for bucket in buckets]
        if other != ranges:
            raise UserError(
                f"systems: {name!r} has the ranges {other}, the first system {ranges}; "
                "evaluate all systems on the same sources"
            )
        if not all(hasattr(bucket, score) for bucket in buckets):
            raise UserError(f"score: the buckets of {name!r} have no {score!r}; try 'bleu', 'chrf' or 'exact_match'")

    names, titles, families = readable(list(systems), [title] if title else [], longest=60, blanks=False)
    figure = Figure(figsize=(max(5.0, 1.5 + 1.1 * len(ranges)), 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    center = np.arange(len(ranges))
    bar = 0.8 / len(systems)
    for i, (name, buckets) in enumerate(zip(names, systems.values(), strict=True)):
        offset = (i - (len(systems) - 1) / 2) * bar
        axes.bar(center + offset, [getattr(b, score) for b in buckets], width=bar * 0.95, label=name)
    axes.set_xticks(center, [f"{low}–{high}\nn = {n}" if low != high else f"{low}\nn = {n}" for low, high, n in ranges])
    axes.set_ylim(0, max(1.0, 1.05 * max(getattr(b, score) for buckets in systems.values() for b in buckets)))
    axes.set_xlabel(f"source length in {unit}")
    axes.set_ylabel({"bleu": "BLEU", "chrf": "chrF2", "exact_match": "exact match (%)"}.get(score, score))
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(prop={"family": families}, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for label in legend.get_texts():
        label.set_parse_math(False)
    if titles:
        axes.set_title(titles[0], fontfamily=families, parse_math=False)
    return figure
