"""The command line: finds the command, and turns a mistake into one line and a status."""

from __future__ import annotations

import difflib
import functools
import io
import logging
import sys
from collections.abc import Callable, Sequence

from keras_attn import __version__
from keras_attn.commands.average import average
from keras_attn.commands.bench import bench
from keras_attn.commands.board import board
from keras_attn.commands.calibrate import calibrate
from keras_attn.commands.decode import decode
from keras_attn.commands.evaluate import evaluate
from keras_attn.commands.export import export
from keras_attn.commands.plot import plot
from keras_attn.commands.score import score
from keras_attn.commands.serve import serve
from keras_attn.commands.shortlist import shortlist
from keras_attn.commands.train import train
from keras_attn.errors import UserError
from keras_attn.exit_status import exit_status
from keras_attn.parse import PROGRAM, columns, documentation, parse_call

COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command
    for command in (train, evaluate, decode, score, calibrate, average, shortlist, export, serve, plot, board, bench)
}


def _dispatch(arguments: Sequence[str]) -> None:
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        rows = {key: documentation(command)[0].splitlines()[0] for key, command in COMMANDS.items()}
        print(f"usage: {PROGRAM} COMMAND ...\n\ncommands (each has its own --help):\n{columns(rows)}\n")
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
