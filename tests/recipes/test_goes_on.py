"""The same command goes on after a kill, and ends with the run that was never killed; and means of its checkpoints."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from tiny_recipe import TINY

from keras_attn import cli
from keras_attn.recipes import Run, learn, text_to_text
from keras_attn.training import average

SPEED = {"tokens_per_second", "updates_per_second"}


class Killed(BaseException):
    """As sudden as an exception can be: nothing catches it."""


def die(*arguments, **named):
    raise Killed


def command(corpus, output, *more):
    """As in conftest.py, with checkpoints in the middle of an epoch."""
    files = ["--data.train", f"{corpus}/train.tsv", "--data.test", f"{corpus}/test.tsv", "--output", str(output)]
    return ["train", "text-to-text", *files, "--training.epochs", "2", *TINY, "--training.checkpoint-every", "3", *more]


@pytest.fixture(scope="module")
def killed(corpus, tmp_path_factory):
    """A run that was killed while its first epoch was scored."""
    folder = tmp_path_factory.mktemp("killed") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn.Samples, "on_epoch_end", die)
        with pytest.raises(Killed):
            cli.main(command(corpus, folder))
    assert (folder / "best.weights.h5").exists()  # what the score was made of, which is made again
    (folder / ".log.csv.x1").touch()
    return folder


def test_what_died_after_its_best_weights_and_before_a_checkpoint_is_begun_again(run, corpus, tmp_path):
    folder = tmp_path / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn.Samples, "on_epoch_end", die)
        with pytest.raises(Killed):
            cli.main(command(corpus, folder, "--training.checkpoint-every", "99"))
    assert (folder / "best.weights.h5").exists()
    assert not any(folder.glob("checkpoints/*.npz"))
    assert cli.main(command(corpus, folder)) == 0
    one, other = (Run.load(path).views.training.get_weights() for path in (folder, run))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert table(folder) == table(run)
    assert not (folder / "training").exists()


def table(folder):
    with (folder / "log.csv").open() as file:
        return [{name: value for name, value in row.items() if name not in SPEED} for row in csv.DictReader(file)]


def test_it_ends_as_the_run_that_was_never_killed(killed, run, corpus, tmp_path, monkeypatch):
    folder = shutil.copytree(killed, tmp_path / "tiny")
    with monkeypatch.context() as patch:
        patch.setattr(text_to_text, "evaluate", die)  # once more, when all is trained
        with pytest.raises(Killed):
            cli.main(command(corpus, folder))
    assert not (folder / "finished").exists()
    with monkeypatch.context() as patch:
        patch.setattr(Run, "create", die)  # the folder, its tokenizer above all, is not made again
        assert cli.main(command(corpus, folder)) == 0
    one, other = (Run.load(path).views.training.get_weights() for path in (folder, run))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert table(folder) == table(run)
    assert len(table(run)) == 2
    assert json.loads((folder / "report.json").read_text()) == json.loads((run / "report.json").read_text())


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--training.peak", "0.5"], "training.peak: expected 0.002, as when the run in '{folder}' was begun, got 0.5"),
        (["--seed", "2"], "seed: expected 1"),
        (["--decoder.units", "9"], "decoder.units: expected 8"),
        (["--training.updates", "9"], "training.updates: expected None"),
    ],
)
def test_other_settings_are_refused_by_name(more, named, killed, corpus, fails):
    before = {path: path.stat().st_mtime_ns for path in killed.rglob("*")}
    message = fails(*command(corpus, killed, *more))
    assert named.format(folder=killed) in message
    assert {path: path.stat().st_mtime_ns for path in killed.rglob("*")} == before


def test_other_versions_and_another_tokenizer_are_refused(killed, run, corpus, fails, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "tiny")
    text = (folder / "config.json").read_text()
    config = json.loads(text)
    config["versions"]["keras"] = "3.0.0"
    (folder / "config.json").write_text(json.dumps(config))
    assert "versions.keras: expected '3.0.0'" in fails(*command(corpus, folder))
    (folder / "config.json").write_text(text)
    (folder / "tokenizer" / "source.model").write_bytes((run / "tokenizer" / "target.model").read_bytes())
    assert "tokenizer: expected" in fails(*command(corpus, folder))


# Averages


def test_the_last_checkpoints_become_a_run(run, tmp_path, capsys):
    output = tmp_path / "mean"
    assert cli.main(["average", str(run), "--last", "2", "--output", str(output)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": validation bleu ")[0] for line in said[:2]] == [str(run), str(output)]
    paths = [run / "checkpoints" / f"000{epoch}-000000.npz" for epoch in (1, 2)]
    averaged = Run.load(output)
    for came, wanted in zip(averaged.views.training.get_weights(), average(paths), strict=True):
        np.testing.assert_array_equal(came, wanted)
    assert averaged.config.fields["average"] == ["0001-000000", "0002-000000"]
    assert cli.main(["decode", str(output), "one two"]) == 0
    assert averaged.samples() == Run.load(run).samples()


def test_more_than_are_kept_cannot_be_averaged(run, fails, tmp_path):
    message = fails("average", run, "--last", "3", "--output", tmp_path / "mean")
    assert "last: expected 1 to 2, as many as" in message
    assert "last, best: expected one of the two" in fails("average", run, "--output", tmp_path / "mean")
    assert "holds a run already" in fails("average", run, "--last", "2", "--output", run)
    assert list(tmp_path.iterdir()) == []


# Further fields


def test_precision_optimizer_and_profile_reach_the_training(corpus, tmp_path):
    more = ["--training.precision", "bfloat16", "--training.optimizer", "adamw", "--training.weight-decay", "0.01"]
    more += ["--training.ema", "0.9", "--training.profile", "--training.schedule", "cosine"]
    more += ["--training.accumulate", "2"]
    output = tmp_path / "half"
    files = ["--data.train", f"{corpus}/train.tsv", "--output", str(output), "--training.updates", "25"]
    assert cli.main(["train", "text-to-text", *files, *TINY, *more]) == 0
    assert list((output / "tensorboard" / "plugins" / "profile").glob("*/*.xplane.pb"))
    run = Run.load(output)
    assert run.config.model.precision == "bfloat16"
    assert {layer.compute_dtype for layer in run.views.training.layers if layer.weights} == {"bfloat16"}
    rows = table(output)
    assert np.isfinite([float(row["val_perplexity"]) for row in rows]).all()
    assert len(run.decode(["one two"]).text) == 1
