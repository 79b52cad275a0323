"""One mechanism's attention on every task, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from keras_attn.bench.trial import Result


def picture(results: list[Result]) -> Figure:
    """A row of heatmaps, one for each task: source from left to right, target from top to bottom."""
    figure = Figure(figsize=(1.9 * len(results), 2.1), layout="constrained")
    for axes, result in zip(figure.subplots(1, len(results), squeeze=False)[0], results, strict=True):
        axes.imshow(np.array(result.weights), cmap="Greys", vmin=0, vmax=1, aspect="auto")
        axes.set_title(f"{result.task} {100 * result.right:.0f} %", fontsize=8)
        axes.set_xticks(range(len(result.source)), result.source, fontsize=5)
        axes.set_yticks(range(len(result.target)), result.target, fontsize=5)
        axes.tick_params(length=0, pad=1)
    return figure
