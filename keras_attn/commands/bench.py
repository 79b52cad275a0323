"""`keras-attn bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from keras_attn.errors import expect
from keras_attn.parse import PROGRAM
from keras_attn.quiet import import_tensorflow


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
