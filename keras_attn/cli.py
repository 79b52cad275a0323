"""The command line: one small function per command that parses, calls a library function, and prints.

A command is a plain function: its signature is its options (positional-only parameters are positional
arguments), its docstring is its help, and the docstring's lines that start with `keras-attn` are the
examples that end the help. A recipe's dataclass is read the same way. Nothing here imports TensorFlow,
Keras or Matplotlib before a command needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from keras_attn import __version__
from keras_attn.errors import UserError, expect
from keras_attn.exit_status import exit_status
from keras_attn.parse import PROGRAM, documentation, parse, parse_call
from keras_attn.quiet import greetings_aside, import_tensorflow
from keras_attn.whole_file import whole_file


def train(arguments: Sequence[str]) -> None:
    """Train a recipe by name; every field of the recipe is an option.

    keras-attn train dates --output runs/dates
    keras-attn train dates --help
    """
    from keras_attn.recipes import NAMES, load

    if not arguments or arguments[0] in ("-h", "--help"):
        text, examples = documentation(train)
        print(f"usage: {PROGRAM} train NAME [--field value ...]\n\n{text}\n\nrecipes:")
        print(_columns(NAMES))
        print("\nexamples:\n  " + "\n  ".join(examples))
        return
    name, *fields = arguments
    with greetings_aside():
        recipe = load(name)
    configured = parse(recipe, fields, f"{PROGRAM} train {name}")
    import_tensorflow()
    configured.train()


def evaluate(
    run: Path,
    /,
    *,
    source: Path,
    reference: tuple[Path, ...],
    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a",
    lowercase: bool = False,
    beam: int | None = None,
    length_penalty: float | None = None,
    output: Path | None = None,
) -> None:
    """Decode a file and score it against one or several references (BLEU, chrF, exact match).

    keras-attn evaluate runs/dates --source test.source --reference test.target
    keras-attn evaluate runs/en-zh --source test.en --reference test.zh --tokenize zh --output runs/en-zh/test

    Args:
        run: folder of a trained run, or of one version of an exported model.
        source: sentences, one a line.
        reference: references, one a line, in the order of the source; several files are several references.
        tokenize: tokenization that BLEU counts words with.
        lowercase: ignore case in all scores.
        beam: width of the beam, 1 for greedy search; the run's own if none is given.
        length_penalty: of the beam: 0 compares sums of log p, larger favors longer outputs.
        output: folder that receives hypotheses.txt, scores.json and by_length.png.
    """
    from rich.console import Console

    from keras_attn.data import read_pairs
    from keras_attn.lines.writing import one_line
    from keras_attn.opened_model import open_model
    from keras_attn.plots import by_length
    from keras_attn.training import evaluate as score

    if not reference:
        raise UserError("--reference: expected one file or several, got none")
    # A line left out would shift its references, so a bad one stops here, with its file and number.
    columns = [list(read_pairs(source, path, on_bad="refuse", max_characters=sys.maxsize)) for path in reference]
    model = open_model(run, beam=beam, length_penalty=length_penalty)
    result = score(
        lambda sentences: list(model.translate(sentences).text),
        [pair.source for pair in columns[0]],
        [[pair.target for pair in row] for row in zip(*columns, strict=True)],
        lowercase=lowercase,
        tokenize=tokenize,
    )
    Console().print(result.table())
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        scores = dataclasses.asdict(result)
        hypotheses = scores.pop("hypotheses")
        with whole_file(output / "hypotheses.txt") as path:
            path.write_text("".join(f"{one_line(text)}\n" for text in hypotheses), "utf-8")
        with whole_file(output / "scores.json") as path:
            path.write_text(json.dumps(scores, indent=2, ensure_ascii=False, default=float) + "\n", "utf-8")
        with whole_file(output / "by_length.png") as path:
            figure = by_length({run.name: result.by_length}, unit=result.length_unit)
            figure.savefig(path, format="png")
        print(output)


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
    batch_size: int = 64,
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


def score(run: Path, /, *, source: Path, target: Path, tokens: bool = False) -> None:
    """Say how likely a trained run finds given outputs: log p of each line of a file.

    log p of a line is the sum over its tokens and the end; 0 is certain. Lines that are odd are scored as they can be
    read, and counted on standard error at the end.

    keras-attn score runs/en-de --source test.en --target test.de
    keras-attn score runs/en-de --source test.en --target test.de --tokens

    Args:
        run: folder of a trained run.
        source: sentences, one a line.
        target: their outputs, one a line, in the order of the source.
        tokens: add a tab and, for each token, token:log p.
    """
    from keras_attn.lines.scorer import score_files
    from keras_attn.opened_model import open_run

    report = score_files(open_run(run).score, source, target, tokens, functools.partial(print, flush=True))
    if report:
        print(f"{PROGRAM}: {report}", file=sys.stderr)


def export(
    run: Path,
    folder: Path,
    /,
    *,
    format: Literal["saved_model", "ctranslate2"] = "saved_model",
    quantization: Literal["int8", "int16", "float16", "float32"] | None = None,
    check: Path | None = None,
) -> None:
    """Write a trained run as a SavedModel with strings in and strings out, as TF Serving loads it, or for CTranslate2.

    Before it gets its name, the model is loaded (a SavedModel in a process of its own), and must say what the run says.

    keras-attn export runs/dates saved_models/dates/1
    keras-attn export runs/en-de saved_models/en-de/1 --check test.en
    keras-attn export runs/en-de en-de-int8 --format ctranslate2 --quantization int8

    Args:
        run: folder of a trained run.
        folder: folder of the new version; its name is the version's number.
        format: "saved_model", or "ctranslate2" for a Transformer (pip install 'keras_attn[ctranslate2]').
        quantization: how CTranslate2 stores the weights; as they are if none is given.
        check: sentences to check on, one a line; the run's validation sentences if none are given.
    """
    if quantization is not None and format != "ctranslate2":
        raise UserError("--quantization: expected none with --format saved_model, which keeps weights as they are")
    from keras_attn.data import read_pairs
    from keras_attn.opened_model import open_run

    lines = None if check is None else [sentence for _, sentence in read_pairs(check, check)]
    trained = open_run(run)
    if format == "saved_model":
        print(trained.export(folder, lines))
    else:
        from keras_attn.recipes.run_export import export_ctranslate2

        print(export_ctranslate2(trained, folder, lines, quantization))


def average(run: Path, /, *, last: int | None = None, best: int | None = None, output: Path | None = None) -> None:
    """Average the weights of several checkpoints of a run, and write them as a run of its own.

    A run keeps as many as `--training.keep-last` and `--training.keep-best` say, one at the end of each epoch.

    keras-attn average runs/en-de --last 8
    keras-attn average runs/en-de --best 5 --output runs/en-de-best5

    Args:
        run: folder of a trained run.
        last: average the last so many checkpoints.
        best: average so many with the best validation scores instead.
        output: folder of the new run; RUN-average if none is given.
    """
    import_tensorflow()
    from keras_attn.recipes.average import average_run, validation_score

    target = output or run.with_name(f"{run.name}-average")
    for folder, one in zip((run, target), average_run(run, target, last=last, best=best), strict=True):
        name, value = validation_score(one)
        print(f"{folder}: validation {name} {value:.2f}", flush=True)
    print(target)


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


def board(folder: Path, /, *, port: int = 6006) -> None:
    """Open TensorBoard on a folder of runs and serve it until it is interrupted.

    keras-attn board runs
    keras-attn board runs/dates --port 7007

    Args:
        folder: folder of one run, or of several to compare.
        port: port of this machine to serve on.
    """
    if not folder.is_dir():
        raise UserError(f"folder: expected the folder of a run, got {str(folder)!r}, which is none")
    from threading import Event

    import_tensorflow()  # TensorBoard would, with greetings
    from tensorboard.program import TensorBoard, TensorBoardServerException

    server = TensorBoard()
    server.configure(logdir=str(folder), port=port, load_fast="false")
    try:
        address = server.launch()
    except TensorBoardServerException as error:
        raise UserError(f"--port: {error.msg}") from error
    print(f"TensorBoard of {folder}: {address} (Ctrl-C stops it)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()


def bench(
    which: Literal["mechanisms"],
    /,
    *,
    only: tuple[str, ...] = (),
    seeds: tuple[int, ...] = (1,),
    updates: int = 600,
    output: Path = Path("runs/mechanisms"),
    page: Path | None = None,
    workers: int = 2,
) -> None:
    """Compare attention mechanisms in one small decoder on five tasks, and write the page that shows them.

    What is in the folder of results already is not trained again, so an interrupted run goes on.

    keras-attn bench mechanisms --only additive dot local-monotonic
    keras-attn bench mechanisms --seeds 1 2 3 --page docs/mechanisms.md

    Args:
        which: what is compared.
        only: names of mechanisms; all if none are given.
        seeds: one training for each.
        updates: batches of 64 fresh examples that each mechanism is trained on, for each task.
        output: folder that keeps the results.
        page: page to write, heatmaps in a folder beside it; OUTPUT/mechanisms.md if none is given.
        workers: trainings at a time, each on one core.
    """
    for name, least, value in (("--updates", 6, updates), ("--workers", 1, workers), ("--seeds", 1, len(seeds))):
        expect(value >= least, name, f"at least {least}", value)
    from keras_attn.bench.mechanisms import chosen, measure, write

    names = chosen(only)
    import_tensorflow()
    from rich.console import Console
    from rich.table import Table

    from keras_attn.bench.tasks import TASKS
    from keras_attn.bench.trial import Training

    training = Training(updates=updates)
    results = []
    for done in measure(names, list(seeds), list(TASKS), training, output, workers):
        results += done
        scores = ", ".join(f"{result.task} {100 * result.right:.1f} %" for result in done)
        print(f"{done[0].entry} (seed {done[0].seed}): {scores}; {sum(r.seconds for r in done):.0f} s", flush=True)
    target = page or output / "mechanisms.md"
    options = [*(["--only", *only] if only else []), "--seeds", *map(str, seeds), "--page", str(target)]
    write(results, training, target, " ".join([PROGRAM, "bench", which, *options]))
    table = Table("mechanism", *TASKS)
    for name in names:
        shares = [[r.right for r in results if r.entry == name and r.task == task] for task in TASKS]
        table.add_row(name, *(f"{100 * sum(share) / len(share):.1f}" for share in shares))
    Console().print(table)
    print(target)


def serve(arguments: Sequence[str]) -> None:
    """Serve exported models by the TensorFlow Serving API: REST and gRPC; the flags are TensorFlow Serving's.

    keras-attn serve saved_models/dates
    keras-attn serve --help
    """
    from keras_attn.serving.options import Options, as_flags

    options = parse(Options, as_flags(arguments), f"{PROGRAM} serve")
    import_tensorflow()
    try:
        from keras_attn.serving import Server
    except ModuleNotFoundError as error:
        raise UserError(f"serve: expected its packages, got {error}; pip install 'keras_attn[serve]'") from error
    Server(options).run()


COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command
    for command in (train, evaluate, decode, score, average, export, serve, plot, board, bench)
}


def _columns(rows: dict[str, str]) -> str:
    width = max(map(len, rows), default=0)
    return "\n".join(f"  {name:{width}}  {text}" for name, text in rows.items())


def _dispatch(arguments: Sequence[str]) -> None:
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        rows = {key: documentation(command)[0].splitlines()[0] for key, command in COMMANDS.items()}
        print(f"usage: {PROGRAM} COMMAND ...\n\ncommands (each has its own --help):\n{_columns(rows)}\n")
        print("examples:\n  " + "\n  ".join(documentation(command)[1][0] for command in COMMANDS.values()))
    elif name == "--version":
        print(__version__)
    elif name in ("train", "serve"):  # these read their arguments themselves
        COMMANDS[name](rest)
    elif name in COMMANDS:
        parse_call(COMMANDS[name], rest, f"{PROGRAM} {name}")()
    else:
        near = difflib.get_close_matches(name, COMMANDS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(COMMANDS)}"
        raise UserError(f"command: no {name!r}; {hint}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, or 2 after one line that says what to mend."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("keras_attn").setLevel(logging.INFO)
    if isinstance(sys.stdout, io.TextIOWrapper):  # text in many scripts, whatever the locale
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    return exit_status(PROGRAM, functools.partial(_dispatch, sys.argv[1:] if arguments is None else arguments))
