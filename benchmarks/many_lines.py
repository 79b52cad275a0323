"""A million lines through `keras-attn decode`, broken ones among them: lines out, order, memory; and through Beam.

    python benchmarks/many_lines.py saved_models/dates/1
    python benchmarks/many_lines.py saved_models/dates/1 --lines 100000 --beam

The lines are English dates, drawn with a seed; the broken ones stand at places drawn with it: empty, 10,000 characters,
invalid UTF-8, NUL, right-to-left, emoji. All go through the command as a user gives it, from a file to a file. What
becomes of a line is compared with the same date in ISO form. Memory is the largest resident set of the process. With
`--beam` the same file goes through `--engine apache-beam` too, and the outputs are compared byte by byte.
"""

from __future__ import annotations

import datetime
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

BROKEN = (
    b"",
    b"x" * 10_000,
    b"\xff\xfe 3 caf\xe9",
    b"nul \0 nul",
    "\u202eשלום עולם".encode(),
    "👩‍👩‍👧‍👦 ☕".encode(),
)
FORMS = ("%d %B %Y", "%B %d, %Y", "%A, %d %B %Y", "%d %b %Y", "%Y-%m-%d")


@dataclass(frozen=True)
class Settings:
    """What goes through.

    Args:
        folder: one version of an exported `dates` model.
        lines: how many.
        broken: how many of them.
        beam: whether through Apache Beam as well.
        seed: of what is drawn.
    """

    folder: tyro.conf.Positional[Path]
    lines: int = 1_000_000
    broken: int = 100
    beam: bool = False
    seed: int = 1


def write(path: Path, settings: Settings) -> dict[int, str]:
    """Write the lines.

    Returns:
        For each line that is not broken, its number and what is expected.
    """
    draw = random.Random(settings.seed)
    broken = set(draw.sample(range(settings.lines), settings.broken))
    expected, first = {}, datetime.date(1950, 1, 1)
    with path.open("wb") as file:
        for number in range(settings.lines):
            if number in broken:
                line = BROKEN[number % len(BROKEN)]
            else:
                day = first + datetime.timedelta(draw.randrange(36_500))
                line = day.strftime(draw.choice(FORMS)).encode()
                expected[number] = day.isoformat()
            file.write(line + b"\n")
    return expected


def timed(name: str, command: list[str], source: Path, target: Path) -> None:
    """Run a command from a file to a file; say what it took, and what it said."""
    begun = time.monotonic()
    with source.open("rb") as lines, target.open("wb") as output, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_attn", *command], stdin=lines, stdout=output, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    if process.returncode:
        raise RuntimeError(f"{name}: status {process.returncode}: {words}")
    print(
        f"{name}: {time.monotonic() - begun:,.0f} s, at most {used.ru_maxrss / 1024:,.0f} MiB; it said: {words}",
        flush=True,
    )


def main(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as made:
        source, target, parts = (Path(made) / name for name in ("lines.txt", "decoded.txt", "parts"))
        expected = write(source, settings)
        decode = ["decode", str(settings.folder)]
        timed("decode", decode, source, target)
        with target.open(encoding="utf-8", newline="\n") as decoded:
            lines = [line.removesuffix("\n") for line in decoded]
        right = sum(lines[number] == date for number, date in expected.items())
        print(f"{len(lines):,} of {settings.lines:,} lines came out; {right:,} of {len(expected):,} are their dates")
        if settings.beam:
            options = ["--engine", "apache-beam", "--input", str(source), "--output", str(parts)]
            timed("apache-beam", [*decode, *options], source, Path(made) / "nothing.txt")
            joined = b"".join(part.read_bytes() for part in sorted(parts.iterdir()))
            equal = joined == target.read_bytes()
            print(f"through Apache Beam, {joined.count(10):,} lines: {'the same' if equal else 'NOT the same'} bytes")


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
