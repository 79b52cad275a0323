"""The leaderboard: every mechanism in the same small decoder, on five tasks."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from keras_attn.bench.entries import BY_NAME
from keras_attn.errors import UserError, one_of
from keras_attn.whole_file import whole_file

if TYPE_CHECKING:
    from keras_attn.bench.trial import Result, Training

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


def chosen(only: Iterable[str]) -> list[str]:
    """Names of mechanisms in the order of the table; all if none are given.

    Raises:
        UserError: a name is not known.
    """
    only = list(only)
    for name in only:
        one_of("--only", name, BY_NAME)
    return [name for name in BY_NAME if not only or name in only]


def measure(
    names: list[str], seeds: list[int], tasks: list[str], training: Training, folder: Path, workers: int
) -> Iterator[list[Result]]:
    """Train each mechanism with each seed, `workers` at a time, and keep what came out in `folder`.

    Yields:
        The results of one mechanism with one seed, as each is done. What is in the folder already, from a run of the
        same length, is not trained again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = []
    for seed in seeds:
        for name in names:
            kept = _kept(_file(folder, name, seed), tasks, training)
            if kept is None:
                left.append((name, seed))
            else:
                yield kept
    if not left:
        return
    # Each worker has a core of its own: two with one thread each do 1.28 times the work of one with two (docs/log.md).
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = {pool.submit(_trial, name, tasks, seed, training): (name, seed) for name, seed in left}
            for job in as_completed(jobs):
                results = job.result()
                _keep(_file(folder, *jobs[job]), results, training)
                yield results
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _trial(name: str, tasks: list[str], seed: int, training: Training) -> list[Result]:
    from keras_attn.bench.trial import run

    return run(BY_NAME[name], tasks, seed, training)


def _file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-{seed}.json"


def _keep(path: Path, results: list[Result], training: Training) -> None:
    kept = {"training": dataclasses.asdict(training), "results": [dataclasses.asdict(result) for result in results]}
    with whole_file(path) as file:
        file.write_text(json.dumps(kept) + "\n", "utf-8")


def _kept(path: Path, tasks: list[str], training: Training) -> list[Result] | None:
    from keras_attn.bench.trial import Result

    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text("utf-8"))
        results = {result["task"]: Result(**result) for result in kept["results"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"--output: {str(path)!r} is not what this command wrote ({error}); remove it") from error
    if kept["training"] != dataclasses.asdict(training) or not set(tasks) <= set(results):
        return None
    return [results[task] for task in tasks]


def write(results: list[Result], training: Training, page: Path, command: str) -> None:
    """The page, and beside it a folder of heatmaps, drawn for the first seed."""
    from importlib.metadata import version

    from keras_attn.bench.page import page as text
    from keras_attn.bench.picture import picture

    pictures = page.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    first = min(result.seed for result in results)
    for name in {result.entry for result in results}:
        shown = [r for r in results if r.entry == name and r.seed == first and r.weights]
        if shown:
            with whole_file(pictures / f"{name}.png") as path:
                picture(shown).savefig(path, format="png", dpi=100)
    versions = f"TensorFlow {version('tensorflow')}, Keras {version('keras')}, {date.today().isoformat()}"
    with whole_file(page) as path:
        path.write_text(text(results, training, versions, command, pictures.name), "utf-8")
