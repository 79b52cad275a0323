"""How sure models are against how often they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from keras_attn.errors import UserError
from keras_attn.plots.labels import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Bin(Protocol):
    """What `keras_attn.calibration.reliability` gives for a range of confidences."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def count(self) -> int: ...
    @property
    def confidence(self) -> float: ...
    @property
    def accuracy(self) -> float: ...


class Bins(Protocol):
    """What `keras_attn.calibration.reliability` gives."""

    @property
    def bins(self) -> Sequence[Bin]: ...
    @property
    def error(self) -> float: ...


def reliability_diagram(systems: Mapping[str, Bins], *, title: str | None = None) -> Figure:
    """Draw one panel per system: bars as high as it is right, hatched from there to how sure it is.

    A model that is as sure as it is right has its bars end on the diagonal. Below, how many predictions are as sure.

    Args:
        systems: name -> bins, e.g. `{"T = 1": reliability(...), "T = 1.3": reliability(...)}`.
        title: a line above the picture.

    Returns:
        A matplotlib `Figure` of its own.

    Raises:
        UserError: there is no system.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, figure 1.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not systems:
        raise UserError("systems: expected a name and bins for at least one system, got none")
    names, titles, families = readable(list(systems), [title] if title else [], longest=60, blanks=False)
    figure = Figure(figsize=(0.6 + 3.4 * len(systems), 4.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(systems), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1))
    for column, (name, found) in enumerate(zip(names, systems.values(), strict=True)):
        upper, lower = panels[:, column]
        _bars(upper, found)
        upper.set_title(name, fontfamily=families, parse_math=False, fontsize=10)
        count = np.array([one.count for one in found.bins])
        middle, width = _places(found)
        lower.bar(middle, 100 * count / max(1, count.sum()), width=width, color="0.6")
        lower.set_xlabel("confidence")
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("% of tokens")
    panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0.0, 0.9))
    if titles:
        figure.suptitle(titles[0], fontfamily=families, parse_math=False)
    return figure


def _places(found: Bins) -> tuple[np.ndarray, np.ndarray]:
    low, high = (np.array([getattr(one, side) for one in found.bins]) for side in ("low", "high"))
    return (low + high) / 2, (high - low) * 0.94


def _bars(axes: Axes, found: Bins) -> None:
    middle, width = _places(found)
    accuracy = np.array([one.accuracy if one.count else 0.0 for one in found.bins])
    confidence = np.array([one.confidence if one.count else 0.0 for one in found.bins])
    axes.bar(middle, accuracy, width=width, color="tab:blue", label="accuracy")
    gap: dict[str, Any] = {
        "facecolor": "none",
        "edgecolor": "tab:red",
        "hatch": "////",
        "linewidth": 0.8,
        "label": "to confidence",
    }
    axes.bar(middle, confidence - accuracy, width=width, bottom=accuracy, **gap)
    axes.plot([0, 1], [0, 1], color="0.3", linestyle="--", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.04, 0.93, f"ECE {100 * found.error:.1f} %", fontsize=10)
