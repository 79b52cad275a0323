"""The attention matrix of one sentence pair as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_attn.errors import UserError
from keras_attn.plots.labels import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 0.30  # inches per token: room for a 9 point label
_SMALLEST_CELL = 0.17  # inches: room for a 7 point label; below this only every n-th token is named
_LARGEST_SIDE = 24.0  # inches


def heatmap(
    weights: np.ndarray, source_tokens: Sequence[str], target_tokens: Sequence[str], title: str | None = None
) -> Figure:
    """Draw attention weights: source tokens along the top, target tokens down the left, 0 white to 1 dark.

    ```
                the  cat  sat
        le      ███
        chat         ███
    ```

    Args:
        weights: `(target, source)`, floating point; row i says where the model looked while it wrote token i.
        source_tokens: `source` strings in any script. Blanks are made visible; a character that no installed
            font has is shown by its number, U+4F60.
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = np.asarray(weights, dtype=float)
    expected = (len(target_tokens), len(source_tokens))
    if matrix.shape != expected and not (0 in expected and matrix.size == 0):
        raise UserError(
            f"weights: expected the shape (target tokens, source tokens) = {expected}, got {matrix.shape}; "
            "pass the weights of one sentence and one head, cut to the tokens given"
        )
    (sources, targets, titles), families = readable(source_tokens, target_tokens, [title] if title else [])

    rows, columns = expected
    cell = min(_CELL, max(_SMALLEST_CELL, 12.0 / max(rows, columns, 1)))
    cell = min(cell, _LARGEST_SIDE / max(rows, columns, 1))
    font_size = max(7.0, 30.0 * min(cell, _CELL))
    width = max(3.0, columns * cell + 1.8)
    height = max(2.0, rows * cell + 1.6)
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if matrix.size == 0:
        axes.text(0.5, 0.5, "(no tokens)", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
    else:
        image = axes.imshow(matrix, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="equal")
        figure.colorbar(image, ax=axes, shrink=min(1.0, 2.5 / (rows * cell)), aspect=12, pad=0.02)
        every = max(1, int(np.ceil(_SMALLEST_CELL / cell)))
        _name_tokens(axes, sources, targets, every, families, font_size)
    if titles:
        axes.set_title(titles[0], fontfamily=families, fontsize=font_size + 1, parse_math=False)
    return figure


def _name_tokens(
    axes: Axes, sources: list[str], targets: list[str], every: int, families: list[str], font_size: float
) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(range(0, len(sources), every), sources[::every])
    axes.set_yticks(range(0, len(targets), every), targets[::every])
    axes.tick_params(length=0)
    upright = all(len(token) <= 2 for token in sources)  # single characters, as in Chinese, need no turning
    for label in axes.get_xticklabels():
        label.set_rotation(0 if upright else 90)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)  # "$" is a token like any other
        label.set_fontfamily(families)
        label.set_fontsize(font_size)
    # Thin lines between the cells keep the eye on its row in a large picture.
    axes.set_xticks(np.arange(0.5, len(sources) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(targets) - 1), minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_color("0.7")
