"""The Transformer's recipe through the command line: compiled training, a beam, an export that says the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_attn import cli
from keras_attn.recipes import Run

SMALL = ["--layers", "1", "--width", "16", "--feed-forward", "16", "--heads", "2", "--dropout", "0"]
SIDES = [
    part
    for side in ("encoder", "decoder")
    for name, value in zip(SMALL[::2], SMALL[1::2], strict=True)
    for part in (f"--{side}.{name.removeprefix('--')}", value)
]


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "transformer"
    given = ["--data.train", f"{corpus}/train.tsv", "--data.test", f"{corpus}/test.tsv", "--output", str(folder)]
    fields = ["--text.vocabulary-size", "300", "--training.tokens-per-batch", "512", "--training.shapes", "2"]
    fields += ["--training.updates", "60", "--training.updates-per-epoch", "30", "--training.warmup", "20"]
    fields += ["--training.score-limit", "7", "--training.ema", "0.9", "--training.sampling", "0.1"]
    assert cli.main(["train", "text-to-text-transformer", *given, *fields, *SIDES]) == 0
    return folder


def test_it_learns_something(run):
    rows = (run / "log.csv").read_text().splitlines()
    loss = rows[0].split(",").index("loss")
    first, last = (float(row.split(",")[loss]) for row in rows[1:])
    assert last < 0.8 * first


def test_a_run_remembers_its_search_and_another_may_be_asked_for(run, corpus):
    search = {"beam": 5, "n_best": 1, "length_penalty": 1.0, "coverage_penalty": 0.0}
    assert json.loads((run / "config.json").read_text())["model"]["search"] == search
    sentences = (corpus / "test.words").read_text().splitlines()
    own = Run.load(run)
    five, same, greedy = own.decode(sentences), Run.load(run, {"beam": 5}), Run.load(run, {"beam": 1})
    assert list(same.decode(sentences).text) == list(five.text)
    assert list(greedy.decode(sentences).text) == list(own.greedy(sentences).text)
    wide = Run.load(run, {"beam": 5, "length_penalty": 0.0}).decode(sentences)
    assert np.mean(wide.score) > np.mean(greedy.decode(sentences).score)  # likelier outputs are found


def test_the_command_line_asks_for_another_search(run, capsys):
    outputs = []
    for more in ([], ["--beam", "1"], ["--beam", "5", "--length-penalty", "0"]):
        assert cli.main(["decode", str(run), "one two three four", "--scores", *more]) == 0
        outputs.append(float(capsys.readouterr().out.rsplit("\t", 1)[1]))
    assert outputs[2] >= max(outputs) - 1e-5


def test_the_export_says_what_the_run_says(run, tmp_path, capsys):
    folder = tmp_path / "model" / "1"
    assert cli.main(["export", str(run), str(folder)]) == 0
    parity = json.loads((folder / "assets.extra" / "parity.json").read_text())
    assert [way["sentences"] for way in parity["ways"].values()] == [7, 7]
    capsys.readouterr()
    assert cli.main(["decode", str(folder), "--beam", "2", "one"]) == 2
    assert "--beam: an exported model has its search inside" in capsys.readouterr().err
