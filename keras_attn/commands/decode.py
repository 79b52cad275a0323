"""`keras-attn decode`."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from keras_attn.errors import UserError, expect
from keras_attn.parse import PROGRAM


def decode(
    run: Path,
    sentences: tuple[str, ...] = (),
    /,
    *,
    scores: bool = False,
    alignments: bool = False,
    n_best: int = 1,
    json: bool = False,
    beam: int | None = None,
    length_penalty: float | None = None,
    batch_size: int = 128,
    tokens_per_batch: int = 4096,
) -> None:
    """Decode sentences, or the lines of standard input: one line out for each line in, in order.

    A file of any size goes through in bounded memory, and lines that have arrived are never held back. A line that is
    empty, too long or not UTF-8 gives an empty or a best-effort line, and is counted on standard error at the end; it
    never stops the others.

    keras-attn decode runs/dates "3 March 2021"
    keras-attn decode runs/en-de --scores < input.txt > output.txt
    keras-attn decode runs/en-de --beam 5 --n-best 3 --json < input.txt > output.jsonl

    Args:
        run: folder of a trained run, or of one version of an exported model.
        sentences: what to decode; standard input if there is none.
        scores: add a tab and the score to each line.
        alignments: add a tab and pairs i-j, output token j looked most at source token i (counted from 0).
        n_best: lines for each line, best first, empty where there are fewer outputs; needs a beam as wide.
        json: write an object for each line instead.
        beam: width of the beam, 1 for greedy search; the run's own if none is given.
        length_penalty: of the beam: 0 compares sums of log p, larger favors longer outputs.
        batch_size: most lines decoded at once.
        tokens_per_batch: most tokens decoded at once, padding counted.
    """
    for name, least in (("--batch-size", batch_size), ("--tokens-per-batch", tokens_per_batch), ("--n-best", n_best)):
        expect(least >= 1, name, "at least 1", least)
    from keras_attn.lines.decoder import LineDecoder
    from keras_attn.lines.progress import progress
    from keras_attn.lines.reader import read_windows
    from keras_attn.lines.writing import Fields, Json
    from keras_attn.opened_model import open_model

    several = n_best if n_best > 1 else None
    model = open_model(run, beam=beam, length_penalty=length_penalty, n_best=several)
    decoder = LineDecoder(
        functools.partial(model.decode, n_best=n_best, alignments=alignments),
        Json(n_best) if json else Fields(scores, alignments, n_best),
        batch_size=batch_size,
        tokens_per_batch=tokens_per_batch,
    )
    if not sentences and sys.stdin is None:
        raise UserError("sentences: expected some, or lines on standard input, which is closed")
    given = [os.fsencode(sentence) for sentence in sentences]
    with progress(None if given else sys.stdin) as done:
        for window in [given] if given else read_windows(sys.stdin.buffer):
            print(*decoder(window), sep="\n", flush=True)
            done(window)
    if decoder.report:
        print(f"{PROGRAM}: {decoder.report}", file=sys.stderr)
