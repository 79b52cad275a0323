"""Does the exported model say what the model in process says?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_attn.errors import UserError
from keras_attn.export.agreement import Agreement
from keras_attn.export.outputs import Output
from keras_attn.text.cleaning import clean


@dataclass(frozen=True)
class Parity:
    """The certificate of an export, kept beside it as `assets.extra/parity.json`.

    Args:
        ways: how the model was loaded in the clean process, and what was seen then: by `tf.saved_model.load`, and in a
            C++ session, as TensorFlow Serving loads it.
        seconds: of the clean process: to import TensorFlow, and from loading to the first answer, each way.
        modules: what it had imported of TensorFlow and of this package.
        versions: of what it ran on.
    """

    ways: dict[str, Agreement]
    seconds: dict[str, float]
    modules: list[str]
    versions: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether every output was identical or a tie, either way."""
        return all(found.holds for found in self.ways.values())

    @property
    def differences(self) -> list[dict]:
        """Every output that was neither."""
        return [{"by": way, **each} for way, found in self.ways.items() for each in found.differences]

    def __str__(self) -> str:
        return "; ".join(f"{way}: {found}" for way, found in self.ways.items())


def compare(
    translate: Callable[[Sequence[str]], Output],
    folder: str | os.PathLike[str],
    lines: Sequence[str],
    batch_size: int = 64,
) -> Parity:
    """Reload `folder` in a clean process, both ways, decode `lines` there, and compare with `translate`.

    The result is written beside the model, as `assets.extra/parity.json`.

    Raises:
        UserError: the export could not be loaded there.
    """
    lines = [clean(line) for line in lines]  # what JSON and UTF-8 can hold, on both sides
    here = translate(lines)
    reply = _in_clean_process(Path(folder), lines, batch_size)
    ways = {}
    for way, said in reply["ways"].items():
        there = Output(said["text"], np.array(said["score"], "float32"), np.array(said["truncated"], bool))
        ways[way] = Agreement.of(lines, here, there)
    seconds = {"import": reply["seconds"], **{way: said["seconds"] for way, said in reply["ways"].items()}}
    parity = Parity(ways, seconds, reply["modules"], reply["versions"])
    extra = Path(folder) / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "parity.json").write_text(json.dumps(asdict(parity), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return parity


def _in_clean_process(folder: Path, lines: Sequence[str], batch_size: int) -> dict[str, Any]:
    script = Path(__file__).with_name("clean_process.py")
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(folder)],
        input=json.dumps({"lines": list(lines), "batch_size": batch_size}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"folder: the model in {folder} could not be used in a clean process: {reason}")
    return json.loads(done.stdout)
