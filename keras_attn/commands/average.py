"""`keras-attn average`."""

from __future__ import annotations

from pathlib import Path

from keras_attn.quiet import import_tensorflow


def average(run: Path, /, *, last: int | None = None, best: int | None = None, output: Path | None = None) -> None:
    """Average the weights of several checkpoints of a run, and write them as a run of its own.

    A run keeps as many as `--training.keep-last` and `--training.keep-best` say, one at the end of each epoch. Where it
    had a moving average (`--training.ema`), which its scores are of, the mean is of the weights without it.

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
