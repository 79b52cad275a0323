"""`keras-attn score`."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from keras_attn.errors import expect
from keras_attn.parse import PROGRAM


def score(run: Path, /, *, source: Path, target: Path, tokens: bool = False, temperature: float = 1.0) -> None:
    """Say how likely a trained run finds given outputs: log p of each line of a file.

    log p of a line is the sum over its tokens and the end; 0 is certain. Lines that are odd are scored as they can be
    read, and counted on standard error at the end.

    keras-attn score runs/en-de --source test.en --target test.de
    keras-attn score runs/en-de --source test.en --target test.de --tokens --temperature 1.2

    Args:
        run: folder of a trained run.
        source: sentences, one a line.
        target: their outputs, one a line, in the order of the source.
        tokens: add a tab and, for each token, token:log p.
        temperature: above 1 the run is less sure, below 1 surer of its words; see `keras-attn calibrate`.
    """
    from keras_attn.lines.scorer import score_files
    from keras_attn.opened_model import open_run

    expect(temperature > 0, "--temperature", "more than 0", temperature)
    scorer = functools.partial(open_run(run).score, temperature=temperature)
    report = score_files(scorer, source, target, tokens, functools.partial(print, flush=True))
    if report:
        print(f"{PROGRAM}: {report}", file=sys.stderr)
