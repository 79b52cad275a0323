"""`keras-attn decode`."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

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
    shortlist: bool = False,
    batch_size: int = 128,
    tokens_per_batch: int = 4096,
    engine: Literal["here", "apache-beam"] = "here",
    input: tuple[str, ...] = (),
    output: str | None = None,
    pipeline: str = "",
) -> None:
    """Decode sentences, or the lines of standard input: one line out for each line in, in order.

    A file of any size goes through in bounded memory, and lines that have arrived are never held back. A line that is
    empty, too long or not UTF-8 gives an empty or a best-effort line, and is counted on standard error at the end; it
    never stops the others.

    keras-attn decode runs/dates "3 March 2021"
    keras-attn decode runs/en-de --scores < input.txt > output.txt
    keras-attn decode runs/en-de --beam 5 --n-best 3 --json < input.txt > output.jsonl
    keras-attn decode saved_models/dates/1 --engine apache-beam --input "dates/*.txt" --output decoded

    Args:
        run: folder of a trained run, or of one version of an exported model.
        sentences: what to decode; standard input if there is none.
        scores: add a tab and the score to each line.
        alignments: add a tab and pairs i-j, output token j looked most at source token i (counted from 0); of the best
            output only, and empty where an exported model's search for several has found another than its own.
        n_best: lines for each line, best first, empty where there are fewer outputs; needs a beam as wide.
        json: write an object for each line instead.
        beam: width of the beam, 1 for greedy search; the run's own if none is given.
        length_penalty: of the beam: 0 compares sums of log p, larger favors longer outputs.
        shortlist: score only the words that a source calls for, as `keras-attn shortlist` has learned them.
        batch_size: most lines decoded at once.
        tokens_per_batch: most tokens decoded at once, padding counted.
        engine: "apache-beam" runs an exported model over files, on this machine or on a cluster (pip install
            'keras_attn[beam]').
        input: files or patterns of files, for Apache Beam.
        output: folder for Apache Beam's files; in the order of their names they have a line for each line.
        pipeline: Apache Beam's own options, such as "--runner=FlinkRunner --flink_master=localhost:8081".
    """
    for name, least in (("--batch-size", batch_size), ("--tokens-per-batch", tokens_per_batch), ("--n-best", n_best)):
        expect(least >= 1, name, "at least 1", least)
    from keras_attn.lines.decoder import LineDecoder
    from keras_attn.lines.progress import progress
    from keras_attn.lines.reader import read_windows
    from keras_attn.lines.writing import Fields, Json
    from keras_attn.opened_model import open_model

    write = Json(n_best) if json else Fields(scores, alignments, n_best)
    limits = {"batch_size": batch_size, "tokens_per_batch": tokens_per_batch}
    if engine == "apache-beam":
        inside = {"--beam": beam, "--length-penalty": length_penalty, "--shortlist": shortlist or None}
        for name in [name for name, value in inside.items() if value is not None]:
            raise UserError(f"{name}: an exported model has its search inside; export the run again")
        _report(_by_beam(run, sentences, write, limits, alignments, input, output, pipeline))
        return
    for name, value in (("--input", input), ("--output", output), ("--pipeline", pipeline)):
        expect(not value, name, "none without --engine apache-beam (use < and >)", value)
    several = n_best if n_best > 1 else None
    search = {"beam": beam, "length_penalty": length_penalty, "n_best": several, "shortlist": shortlist or None}
    model = open_model(run, scores=scores or json, **search)
    decoder = LineDecoder(
        functools.partial(model.decode, n_best=n_best, alignments=alignments),
        write,
        **limits,
        lengths=model.lengths,
    )
    if not sentences and sys.stdin is None:
        raise UserError("sentences: expected some, or lines on standard input, which is closed")
    given = [os.fsencode(sentence) for sentence in sentences]
    with progress(None if given else sys.stdin) as done:
        for window in [given] if given else read_windows(sys.stdin.buffer):
            print(*decoder(window), sep="\n", flush=True)
            done(window)
    _report(decoder.report)


def _report(odd: str) -> None:
    if odd:
        print(f"{PROGRAM}: {odd}", file=sys.stderr)


def _by_beam(
    folder: Path,
    sentences: tuple[str, ...],
    write: Any,
    limits: dict[str, int],
    alignments: bool,
    inputs: tuple[str, ...],
    output: str | None,
    pipeline: str,
) -> str:
    if sentences:
        raise UserError("sentences: expected none with --engine apache-beam, which reads files; give --input")
    if not inputs or output is None:
        raise UserError(f"--{'output' if inputs else 'input'}: --engine apache-beam needs both --input and --output")
    if not (folder / "saved_model.pb").is_file():
        raise UserError(f"run: expected an exported model for --engine apache-beam, {str(folder)!r} is none; export it")
    load = functools.partial(_exported, folder.resolve(), write.n_best, alignments)
    if write.n_best > 1:  # more than the export can give is better said here than by each worker
        load()
    try:
        import apache_beam  # noqa: F401  an optional extra
    except ImportError as error:
        raise UserError("--engine: apache-beam is not installed; pip install 'keras_attn[beam]'") from error
    from keras_attn.bulk.line_model import LineModel
    from keras_attn.bulk.pipeline import decode_files

    return decode_files(LineModel(load, write, limits), inputs, output, shlex.split(pipeline))


def _exported(folder: Path, n_best: int, alignments: bool) -> Callable[[list[str]], Any]:
    from keras_attn.opened_model import open_model

    return functools.partial(open_model(folder, n_best=n_best).decode, n_best=n_best, alignments=alignments)
