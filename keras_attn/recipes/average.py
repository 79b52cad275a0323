"""The mean of a run's checkpoints, as a run of its own."""

from __future__ import annotations

from pathlib import Path

from keras_attn.recipes.run import Run
from keras_attn.training import Bleu, ExactMatch
from keras_attn.training.averaging import average
from keras_attn.training.checkpoint_folder import CheckpointFolder
from keras_attn.training.weights_file import save_weights


def average_run(folder: Path, output: Path, *, last: int | None = None, best: int | None = None) -> tuple[Run, Run]:
    """Write a run whose weights are the mean of the last so many, or the best, checkpoints of another.

    Args:
        folder: the run with the checkpoints.
        output: the new run's folder. Its config says which checkpoints it was made of (`fields.average`).
        last, best: how many; one of the two.

    Returns:
        The run in `folder`, and the new one.

    Raises:
        UserError: `output` holds a run; `folder` holds none, or fewer checkpoints.
    """
    Run.check_free(output)
    run = Run.load(folder)
    paths = CheckpointFolder(run.checkpoints).chosen(last=last, best=best)
    weights = average(paths)
    fields = {**run.config.fields, "average": [path.stem for path in paths]}
    averaged = Run.create(output, run.config.model_copy(update={"fields": fields}), run.text)
    averaged.views.training.set_weights(weights)
    averaged.keep_samples(*run.samples())
    save_weights(averaged.views.training, averaged.weights)
    averaged.finish()
    return run, averaged


def validation_score(run: Run) -> tuple[str, float]:
    """Return the name and the value of what chose the run's best weights, on the sentences it was chosen on."""
    training = run.config.fields.get("training", {})
    sources, references = run.samples()
    score: Bleu | ExactMatch
    if training.get("score") == "exact_match":
        score = ExactMatch(run.decode, sources, references)
    else:
        score = Bleu(run.decode, sources, references, tokenize=training.get("tokenize", "13a"))
    return score.name, score()
