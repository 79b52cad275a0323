"""The attention matrix of one sentence pair as a picture."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_attn.errors import UserError
from keras_attn.plots.labels import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches per token. The smallest has room for a 7 point label; below it only every n-th token is named.
_LARGEST_CELL, _SMALLEST_CELL = 0.34, 0.17
_USUAL_SIDE, _LARGEST_SIDE = 12.0, 24.0  # inches


def heatmap(
    weights: np.ndarray,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    title: str | None = None,
) -> Figure:
    """Draw attention weights: source tokens along the top, target tokens down the left, 0 light to 1 dark.

    ```
                the  cat  sat
        le      ███
        chat         ███
    ```

    Args:
        weights: `(target, source)`, floating point; row i says where the model looked while it wrote token i.
            Not-a-number is drawn in gray.
        source_tokens: `source` strings in any script. Blanks are made visible; a character that no installed
            font has is shown by its number, U+4F60; the Noto fonts have nearly all, and
            `matplotlib.font_manager.fontManager.addfont(path)` makes any font file known.
        target_tokens: `target` strings.
        title: a line above the picture.

    Returns:
        A matplotlib `Figure` of its own (no pyplot state); `figure.savefig("a.png")` writes it.

    Raises:
        UserError: if the weights are not a matrix of `(len(target_tokens), len(source_tokens))`.

    Source: Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473, figure 3.

    >>> figure = heatmap([[0.9, 0.1], [0.2, 0.8]], ["▁a", "▁b"], ["▁x", "▁y"])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['▁a', '▁b']
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = np.asarray(weights, dtype=float)
    rows, columns = expected = (len(target_tokens), len(source_tokens))
    if matrix.shape != expected and not (0 in expected and matrix.size == 0):
        raise UserError(
            f"weights: expected the shape (target tokens, source tokens) = {expected}, got {matrix.shape}; "
            "pass the weights of one sentence and one head, cut to the tokens given"
        )

    # Cells have a fixed size; labels take what they take, measured; the figure is the sum of it all.
    longest = max(rows, columns, 1)
    cell = min(max(_SMALLEST_CELL, min(_LARGEST_CELL, _USUAL_SIDE / longest)), _LARGEST_SIDE / longest)
    font_size = min(10.0, max(7.0, 30.0 * cell))
    figure = Figure(dpi=120)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    across, down, left, top = 2.0, 0.5, 0.2, 0.2  # inches
    if matrix.size:
        across, down = columns * cell, rows * cell
        colors = colormaps["Blues"].with_extremes(bad="0.6")
        image = axes.imshow(matrix, cmap=colors, vmin=0.0, vmax=1.0, interpolation="nearest", aspect="equal")
        _name_tokens(axes, source_tokens, target_tokens, cell, font_size)
        renderer = canvas.get_renderer()
        left += max(label.get_window_extent(renderer).width for label in axes.get_yticklabels()) / figure.dpi
        top += max(label.get_window_extent(renderer).height for label in axes.get_xticklabels()) / figure.dpi
    else:
        axes.text(0.5, 0.5, "(no tokens)", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
    width, height = left + across + 0.8, top + down + 0.15 + (0.35 if title else 0.0)
    figure.set_size_inches(width, height)
    axes.set_position((left / width, 0.15 / height, across / width, down / height))
    if matrix.size:
        bar = min(down, 2.5)
        place = ((left + across + 0.15) / width, (0.15 + down - bar) / height, 0.15 / width, bar / height)
        scale = figure.colorbar(image, cax=figure.add_axes(place), ticks=[0, 0.5, 1] if bar > 0.6 else [0, 1])
        scale.ax.tick_params(labelsize=font_size)
    if title:
        lines, families = readable([title], longest=max(20, int(width * 11)), blanks=False)
        figure.text(0.5, 1 - 0.1 / height, lines[0], ha="center", va="top", fontfamily=families, parse_math=False)
    return figure


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _name_tokens(
    axes: Axes, source_tokens: Sequence[str], target_tokens: Sequence[str], cell: float, font_size: float
) -> None:
    sources, targets, families = readable(source_tokens, target_tokens)
    every = max(1, math.ceil(_SMALLEST_CELL / cell))
    axes.xaxis.tick_top()
    # Chinese, Japanese and Korean tokens read better as a column than on their side.
    upright = [all(map(_wide, token)) for token in sources]
    columns = ["\n".join(token) if wide else token for token, wide in zip(sources, upright, strict=True)]
    axes.set_xticks(range(0, len(sources), every), columns[::every])
    axes.set_yticks(range(0, len(targets), every), targets[::every])
    for label, wide in zip(axes.get_xticklabels(), upright[::every], strict=True):
        label.set(rotation=0 if wide else 90, linespacing=1.0)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        # "$" is a token like any other.
        label.set(parse_math=False, usetex=False, fontfamily=families, fontsize=font_size)
    axes.tick_params(length=0)
    if every == 1:  # thin lines between the cells keep the eye on its row
        axes.set_xticks(np.arange(0.5, len(sources) - 1), minor=True)
        axes.set_yticks(np.arange(0.5, len(targets) - 1), minor=True)
        axes.grid(which="minor", color="0.9", linewidth=0.5)
        axes.tick_params(which="minor", length=0)
    axes.spines[:].set_color("0.7")
