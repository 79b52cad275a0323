"""`keras-attn calibrate`."""

from __future__ import annotations

import sys
from pathlib import Path

from keras_attn.errors import expect
from keras_attn.whole_file import whole_file


def calibrate(run: Path, /, *, source: Path, target: Path, output: Path | None = None) -> None:
    """Find the temperature at which a trained run is as sure of its words as it is right.

    The temperature is fitted on every other pair, and the error is measured on the pairs in between: the mean distance,
    over 15 ranges of confidence, between how sure the run is of its likeliest next token and how often that is right.
    `keras-attn score --temperature` takes it. A run that learned from smoothed labels may be better off without: they
    made it give some probability to every word, and what takes that away makes it too sure of the likeliest one.

    keras-attn calibrate runs/en-de --source valid.en --target valid.de --output reliability.png

    Args:
        run: folder of a trained run.
        source: sentences that it was not trained on, one a line.
        target: their outputs, one a line, in the order of the source.
        output: picture of how sure and how right it is, before and after; its suffix is its format.
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
    temperature = fit_temperature(score.logits(*fitted))
    panels: dict[str, Reliability] = {}
    print(f"{'temperature':>11} {'log p a token':>14} {'confidence':>11} {'accuracy':>9} {'error':>7}")
    for name, value in (("before", 1.0), ("after", temperature)):
        found = confidence(score.logits(*measured), value)
        bins = panels[f"{name} (T = {value:.3f})"] = reliability(found.confidence, found.correct)
        shares = f"{found.confidence.mean():>11.1%} {found.correct.mean():>9.1%} {bins.error:>7.1%}"
        print(f"{value:>11.3f} {found.log_p.mean():>14.4f} {shares}")
    before, after = (bins.error for bins in panels.values())
    if after >= before:
        print("the error is not smaller: keep temperature 1")
    if output is not None:
        from keras_attn.plots import reliability_diagram

        with whole_file(output) as path:
            reliability_diagram(panels).savefig(path, format=kind)
        print(output)
