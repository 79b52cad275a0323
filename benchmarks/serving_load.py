"""How many single sentences a second does `keras-attn serve` answer, and how long does each take?

    python benchmarks/serving_load.py saved_models/dates --source dates.txt
    python benchmarks/serving_load.py saved_models/dates --source dates.txt --seconds 10 --clients 64

Each client asks over a connection of its own for one sentence after another. The sides are this server with batching
on, as the version's `batching_params.pbtxt` has it and one batch at a time (`ONE_BATCH`), and off, and FastAPI around
`tf.saved_model.load`, all over the same version of the model and the same sentences; all run from the start, and are
asked in turn, for each number of clients. What an answer says is compared with the first
answer to the same sentence by any side: another text counts as failed. Clients share the machine with the servers
(`pip install -e '.[serve,benchmarks]'`).

memory: resident memory of the server with batching, in the middle of each tenth of `memory_minutes` with 64 clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
import psutil
import tyro
import uvloop
from rich.console import Console
from rich.table import Table
from servers import free_port, serve_command

PLAIN = Path(__file__).with_name("serving_plain.py")
ONE_BATCH = (
    "max_batch_size { value: 64 } batch_timeout_micros { value: 5000 } max_enqueued_batches { value: 1000 }"
    " num_batch_threads { value: 1 }\n"
)
READY = 120  # seconds until a server has to answer


@dataclass(frozen=True)
class Settings:
    """What is asked of whom.

    Args:
        folder: versions of a model.
        source: sentences, one a line.
        clients: how many ask at a time.
        seconds: of each measurement.
        memory_minutes: of the last one; 0 leaves it out.
    """

    folder: tyro.conf.Positional[Path]
    source: Path
    clients: tuple[int, ...] = (1, 8, 64, 256)
    seconds: float = 60
    memory_minutes: float = 10


@dataclass
class Seen:
    """Latencies in milliseconds, and what went wrong."""

    latencies: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Side:
    """A server that runs."""

    name: str
    url: str
    process: subprocess.Popen


def commands(folder: Path, one_batch: Path) -> dict[str, tuple[list[str], int]]:
    """How each side is started, and its port; `one_batch` is a file with `ONE_BATCH`."""
    version = max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    ports = [free_port() for _ in range(4)]
    own, one = "--enable_per_model_batching_parameters", f"--batching_parameters_file={one_batch}"
    return {
        "batching": ([*serve_command(folder, ports[0]), "--enable_batching", own], ports[0]),
        "batching, one at a time": ([*serve_command(folder, ports[1]), "--enable_batching", one], ports[1]),
        "no batching": (serve_command(folder, ports[2]), ports[2]),
        "FastAPI, tf.saved_model.load": ([sys.executable, str(PLAIN), str(version), str(ports[3])], ports[3]),
    }


@contextlib.contextmanager
def running(folder: Path) -> Iterator[list[Side]]:
    """All sides, started; stopped at the end."""
    sides = []
    with tempfile.TemporaryDirectory() as scratch:
        one_batch = Path(scratch, "one_batch.pbtxt")
        one_batch.write_text(ONE_BATCH)
        try:
            for name, (command, port) in commands(folder, one_batch).items():
                process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
                sides.append(Side(name, f"http://127.0.0.1:{port}/v1/models/{folder.name}:predict", process))
            yield sides
        finally:
            for side in sides:
                side.process.terminate()
            for side in sides:
                side.process.wait(60)


async def ask(session: aiohttp.ClientSession, side: Side, sentence: str) -> str:
    async with session.post(side.url, json={"instances": [sentence]}) as response:
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {(await response.text())[:200]}")
        (answer,) = (await response.json())["predictions"]
        return answer["text"]


async def ready(side: Side, sentence: str) -> None:
    """Wait until it answers.

    Raises:
        RuntimeError: it does not.
    """
    until = time.monotonic() + READY
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                await ask(session, side, sentence)
                return
            except (aiohttp.ClientError, RuntimeError) as error:
                if side.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{side.name}: does not answer ({error})") from error
            await asyncio.sleep(0.2)


async def load(side: Side, sentences: list[str], clients: int, seconds: float, answers: dict[str, str]) -> Seen:
    """Ask for so many seconds.

    Args:
        answers: the first answer to each sentence, by anyone; new ones are added.
    """
    seen, until = Seen(), time.monotonic() + seconds

    async def client(number: int, session: aiohttp.ClientSession) -> None:
        for sentence in itertools.islice(itertools.cycle(sentences), number * len(sentences) // clients, None):
            begun = time.monotonic()
            if begun >= until:
                return
            try:
                text = await ask(session, side, sentence)
            except (aiohttp.ClientError, RuntimeError, KeyError, ValueError) as error:
                seen.failed.append(repr(error))
                continue
            seen.latencies.append(1000 * (time.monotonic() - begun))
            if answers.setdefault(sentence, text) != text:
                seen.failed.append(f"{sentence!r}: {text!r}, not {answers[sentence]!r}")

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        await asyncio.gather(*(client(number, session) for number in range(clients)))
    return seen


async def memory(side: Side, sentences: list[str], minutes: float) -> list[float]:
    """MiB of resident memory in the middle of each tenth, under the load of 64 clients."""
    process, found = psutil.Process(side.process.pid), []

    async def look() -> None:
        for tenth in range(10):
            await asyncio.sleep(60 * minutes / (20 if tenth == 0 else 10))
            found.append(process.memory_info().rss / 2**20)

    await asyncio.gather(look(), load(side, sentences, 64, 60 * minutes, {}))
    return found


async def main(settings: Settings) -> None:
    sentences = [line for line in settings.source.read_text("utf-8").splitlines() if line.strip()]
    answers: dict[str, str] = {}
    table = Table("clients", "side", "requests/s", "median, ms", "99 %, ms", "answered", "failed")
    with running(settings.folder) as sides:
        for side in sides:
            await ready(side, sentences[0])
        for clients in settings.clients:
            for side in sides:
                await load(side, sentences, clients, min(3, settings.seconds), answers)  # warms up
                seen = await load(side, sentences, clients, settings.seconds, answers)
                middle, late = np.percentile(seen.latencies or [np.nan], (50, 99))
                rate = len(seen.latencies) / settings.seconds
                row = (clients, side.name, f"{rate:,.0f}", f"{middle:.1f}", f"{late:.1f}", f"{len(seen.latencies):,}")
                table.add_row(*map(str, row), str(len(seen.failed)))
                print(*row, len(seen.failed), *seen.failed[:3], flush=True)
        if settings.memory_minutes:
            found = await memory(sides[0], sentences, settings.memory_minutes)
            print("resident memory, MiB, each tenth of the time:", *(f"{one:.0f}" for one in found))
    Console(width=120).print(table)


if __name__ == "__main__":
    uvloop.run(main(tyro.cli(Settings, description=__doc__)))
