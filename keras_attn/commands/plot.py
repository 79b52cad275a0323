"""`keras-attn plot`."""

from __future__ import annotations

from pathlib import Path

from keras_attn.errors import UserError
from keras_attn.whole_file import whole_file


def plot(run: Path, sentence: str, /, *, output: Path = Path("alignment.png")) -> None:
    """Draw which source tokens each output token attended to.

    keras-attn plot runs/dates "3 March 2021" --output heatmap.png

    Args:
        run: folder of a trained run, or of one version of an exported model.
        sentence: what to decode and align.
        output: image to write; its suffix is its format.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    from keras_attn.opened_model import open_model
    from keras_attn.plots import heatmap

    kind = output.suffix.removeprefix(".").lower()
    if kind not in FigureCanvasBase.filetypes:
        known = ", ".join(f".{name}" for name in sorted(FigureCanvasBase.filetypes))
        raise UserError(f"--output: expected a file that ends in one of {known}; got {str(output)!r}")
    if not sentence.strip():
        raise UserError("sentence: expected some text to align, got none")
    (alignment,) = open_model(run).align([sentence])
    figure = heatmap(alignment.weights, alignment.source_tokens, alignment.target_tokens)
    with whole_file(output) as path:
        figure.savefig(path, format=kind)
    print(output)
