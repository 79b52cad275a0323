"""How far a command has come, on standard error, while somebody is looking."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any


@contextlib.contextmanager
def progress(stream: Any) -> Iterator[Callable[[Sequence[bytes]], None]]:
    """Give a function to tell which lines of `stream` are done.

    Shown on standard error if that is a terminal and standard output is none: there, lines themselves show it.

    Args:
        stream: what the lines come from; of a file the share that is done is known.
    """
    if not (sys.stderr and sys.stderr.isatty()) or sys.stdout.isatty():
        yield lambda lines: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.fields[lines]:,} lines"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    output: dict[str, Any] = {
        "redirect_stdout": False,
        "redirect_stderr": False,
    }  # what is decoded goes where it should
    with Progress(*columns, console=Console(stderr=True), transient=True, **output) as shown:
        task = shown.add_task("", total=_bytes(stream), lines=0)
        done = 0

        def tell(lines: Sequence[bytes]) -> None:
            nonlocal done
            done += len(lines)
            shown.update(task, advance=sum(map(len, lines)) + len(lines), lines=done)

        yield tell


def _bytes(stream: Any) -> int | None:
    """How many there are in all; None of what is no file."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = os.fstat(stream.fileno())
        return found.st_size if stat.S_ISREG(found.st_mode) else None
    return None
