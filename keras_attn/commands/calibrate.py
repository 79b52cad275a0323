"""`keras-attn calibrate`."""

from __future__ import annotations

import sys
from pathlib import Path

from keras_attn.errors import expect
from keras_attn.whole_file import whole_file


def calibrate(run: Path, /, *, source: Path, target: Path, output: Path | None = None) -> None:
    """Find the temperature at which a trained run is as sure of its words as it is right.

    It is fitted on every other pair: once to the words of the target, and once to how often the run's own next word is
    right, which are not the same after a training with smoothed labels. The error is measured on the pairs in between:
    the mean distance, over 15 ranges of confidence, between how sure the run is of that word and how often it is right.
    Give the temperature to `keras-attn score --temperature`.

    keras-attn calibrate runs/en-de --source valid.en --target valid.de --output reliability.png

    Args:
        run: folder of a trained run.
        source: sentences that it was not trained on, one a line.
        target: their outputs, one a line, in the order of the source.
        output: picture of how sure and how right it is at each temperature; its suffix is its format.
    """
    from keras_attn.calibration import Reliability, confidence, fit_temperature, reliability
    from keras_attn.data import read_pairs
    from keras_attn.opened_model import open_run

    if output is not None:
        from matplotlib.backend_bases import FigureCanvasBase

        known = ", ".join(f".{name}" for name in sorted(FigureCanvasBase.filetypes))
        kind = output.suffix.removeprefix(".").lower()
        expect(kind in FigureCanvasBase.filetypes, "--output", f"a file that ends in one of {known}", str(output))
    pairs = list(read_pairs(source, target, on_bad="refuse", max_characters=sys.maxsize))
    expect(len(pairs) >= 2, "--source", "at least two lines", len(pairs))
    fitted, measured = (list(zip(*pairs[first::2], strict=True)) for first in (0, 1))
    score = open_run(run).score
    found = {
        "as trained": 1.0,
        "of words": fit_temperature(score.logits(*fitted)),
        "of confidence": fit_temperature(score.logits(*fitted), "confidence"),
    }
    panels: dict[str, Reliability] = {}
    print(f"{'':<13} {'temperature':>11} {'log p a token':>14} {'confidence':>11} {'accuracy':>9} {'error':>7}")
    for name, temperature in found.items():
        said = confidence(score.logits(*measured), temperature)
        bins = panels[f"{name}, T = {temperature:.3f}"] = reliability(said.confidence, said.correct)
        shares = f"{said.confidence.mean():>11.1%} {said.correct.mean():>9.1%} {bins.error:>7.1%}"
        print(f"{name:<13} {temperature:>11.3f} {said.log_p.mean():>14.4f} {shares}")
    if output is not None:
        from keras_attn.plots import reliability_diagram

        with whole_file(output) as path:
            reliability_diagram(panels).savefig(path, format=kind)
        print(output)
