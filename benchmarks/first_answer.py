"""How long from the start of `keras-attn serve` to its first answer, beside `import tensorflow` by itself.

    python benchmarks/first_answer.py saved_models/dates --sentence "3 March 2021"

Both are whole processes, in turn, after one round that is not counted; what comes on top of the import is taken round
by round. The server is asked every 20 ms until it answers, over REST, without batching and with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from servers import free_port, serve_command


@dataclass(frozen=True)
class Settings:
    """What is started.

    Args:
        folder: versions of a model.
        sentence: what it is asked.
        rounds: how often.
        at_most: seconds after which a server counts as dead.
    """

    folder: tyro.conf.Positional[Path]
    sentence: str = "3 March 2021"
    rounds: int = 7
    at_most: float = 120


def importing() -> float:
    """Seconds of a process that imports TensorFlow."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def answering(settings: Settings, *flags: str) -> float:
    """Seconds from the start of a server to its first answer.

    Raises:
        RuntimeError: there is none.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/models/{settings.folder.name}:predict"
    body = json.dumps({"instances": [settings.sentence]}).encode()
    begun = time.monotonic()
    process = subprocess.Popen([*serve_command(settings.folder, port), *flags], stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and time.monotonic() - begun < settings.at_most:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body), timeout=settings.at_most) as reply:
                    json.load(reply)["predictions"]
                return time.monotonic() - begun
            except urllib.error.URLError:  # not up yet, or the model is not
                time.sleep(0.02)
        raise RuntimeError(f"{settings.folder}: no answer")
    finally:
        process.terminate()
        process.wait(60)


def main(settings: Settings) -> None:
    batching = ("--enable_batching", "--enable_per_model_batching_parameters")
    rounds = np.array(
        [(importing(), answering(settings), answering(settings, *batching)) for _ in range(1 + settings.rounds)]
    )[1:]
    for name, seconds in zip(("import tensorflow", "first answer", "with batching"), rounds.T, strict=True):
        more = seconds - rounds[:, 0]
        print(
            f"{name:20} {np.median(seconds):5.2f} s ({seconds.min():.2f} - {seconds.max():.2f});"
            f" over the import {np.median(more):5.2f} s ({more.min():.2f} - {more.max():.2f})"
        )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
