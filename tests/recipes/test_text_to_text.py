"""From a file of pairs to a translator, through the command line: train, evaluate, decode, export, plot."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tiny_recipe import TINY

from keras_attn import cli
from keras_attn.recipes import Run, learn


@pytest.fixture(scope="module")
def loaded(run):
    return Run.load(run)


def test_a_run_folder_holds_all_that_is_needed_again(trained):
    folder, said = trained
    names = {path.name for path in folder.iterdir()}
    wanted = {"config.json", "tokenizer", "best.weights.h5", "tensorboard", "log.csv", "samples.json", "report.json"}
    assert names >= wanted
    assert not [name for name in names if name.startswith((".", "partial"))]
    assert {path.name for path in (folder / "tokenizer").iterdir()} == {"source.model", "target.model"}
    assert {path.name for path in (folder / "tensorboard").iterdir()} == {"train", "validation", "samples", "attention"}
    assert f"next: keras-attn decode {folder}" in said


def test_the_log_has_a_line_for_each_epoch_and_the_loss_falls(run):
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["perplexity"]) < float(rows[0]["perplexity"])
    assert {"loss", "val_loss", "val_perplexity", "val_bleu", "tokens"} <= set(rows[0])


def test_the_config_holds_the_recipe_with_all_its_fields(run):
    config = json.loads((run / "config.json").read_text())
    assert config["recipe"] == "text-to-text"
    assert config["fields"]["training"]["epochs"] == 2
    assert config["fields"]["seed"] == 1
    assert config["model"]["encoder"]["units"] == 8
    assert {"keras_attn", "keras", "tensorflow"} <= set(config["versions"])


def test_the_samples_are_held_out_of_the_training_pairs(run, corpus):
    rows = json.loads((run / "samples.json").read_text())
    assert len(rows) == 7
    pairs = {tuple(line.split("\t")) for line in (corpus / "train.tsv").read_text().splitlines()}
    assert all((row["source"], reference) in pairs for row in rows for reference in row["references"])


def test_it_comes_back_with_its_best_weights(loaded, run, corpus):
    """The weights on disk are those that were scored: the report's numbers come out again."""
    sources = (corpus / "test.words").read_text().splitlines()
    targets = (corpus / "test.digits").read_text().splitlines()
    report = json.loads((run / "report.json").read_text())
    right = np.mean([output == target for output, target in zip(loaded.decode(sources).text, targets, strict=True)])
    assert report["exact_match"] == pytest.approx(100 * right)


def test_evaluate_gives_the_numbers_of_the_report(run, corpus, tmp_path, capsys):
    files = ["--source", f"{corpus}/test.words", "--reference", f"{corpus}/test.digits"]
    assert cli.main(["evaluate", str(run), *files, "--output", str(tmp_path)]) == 0
    scores, report = (json.loads(path.read_text()) for path in (tmp_path / "scores.json", run / "report.json"))
    assert scores["bleu"] == pytest.approx(report["bleu"], abs=1e-6)
    assert scores["chrf"] == pytest.approx(report["chrf"], abs=1e-6)
    assert len((tmp_path / "hypotheses.txt").read_text().splitlines()) == 20


def test_decode_writes_what_the_run_says(run, loaded, capsys):
    sentences = ["one two three", "nine", "seven 7 \u65e5"]
    assert cli.main(["decode", str(run), *sentences]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [" ".join(text.split("\n")) for text in loaded.decode(sentences).text]
    assert err == ""


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny" / "1"
    assert cli.main(["export", str(run), str(folder)]) == 0
    return folder


def test_decode_says_what_a_greedy_search_has_no_use_for(run, fails):
    assert "--length-penalty: a beam's, and this search is greedy; add --beam 5" in fails(
        "decode", str(run), "one", "--length-penalty", "0.5"
    )
    wanted = "n_best: expected at most the width of the beam (1), or a wider beam, got 3"
    assert wanted in fails("decode", str(run), "one", "--n-best", "3")


def test_an_export_is_checked_against_the_run_and_says_where_it_comes_from(exported):
    parity = json.loads((exported / "assets.extra" / "parity.json").read_text())
    assert list(parity["ways"]) == ["tf.saved_model.load", "C++ session"]
    for way in parity["ways"].values():
        assert (way["identical"] + way["ties"], way["differences"]) == (way["sentences"], [])
        assert way["sentences"] == 7
    report = (exported / "assets.extra" / "report.md").read_text()
    assert report.startswith("# text-to-text")
    assert "- bleu: " in report
    for name, way in parity["ways"].items():
        assert f"{name}: {way['identical']} of 7 outputs identical" in report


def test_decode_and_plot_take_an_export_as_well_as_a_run(run, exported, tmp_path, capsys):
    said = []
    for folder in (run, exported):
        assert cli.main(["decode", str(folder), "one two three", "four"]) == 0
        said.append(capsys.readouterr().out)
        picture = tmp_path / f"{folder.parent.name}.png"
        assert cli.main(["plot", str(folder), "one two three", "--output", str(picture)]) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")
        capsys.readouterr()
    assert said[0] == said[1]


# Starting from a run


@pytest.fixture
def untrained(monkeypatch):
    """Leave training out; gives what would have been trained."""
    given = []
    monkeypatch.setattr(learn, "fit", lambda views, data, **settings: given.append((views, data, settings)))
    monkeypatch.setattr(Run, "decode", lambda self, lines: [""] * len(lines))
    return given


def train(corpus, output, *more):
    tiny = ["--data.train", f"{corpus}/train.tsv", "--output", str(output), *TINY]
    return cli.main(["train", "text-to-text", *tiny, *more])


def test_a_run_starts_from_another_ones_weights_and_tokenizer(run, loaded, corpus, tmp_path, untrained):
    assert train(corpus, tmp_path / "warm", "--init-from", str(run)) == 0
    ((views, _, _),) = untrained
    for ours, theirs in zip(views.training.get_weights(), loaded.views.training.get_weights(), strict=True):
        assert (ours == theirs).all()
    for name in ("source.model", "target.model"):
        assert (tmp_path / "warm" / "tokenizer" / name).read_bytes() == (run / "tokenizer" / name).read_bytes()


def test_a_run_does_not_start_from_another_kind_of_model(run, corpus, tmp_path, untrained, fails):
    tiny = ["--data.train", f"{corpus}/train.tsv", "--output", tmp_path / "warm", *TINY]
    message = fails("train", "text-to-text", *tiny, "--init-from", run, "--decoder.units", "9")
    assert "decoder.units: expected 8, as in the run to start from, got 9" in message
    assert list(tmp_path.iterdir()) == []


def test_the_fields_reach_the_training(corpus, tmp_path, untrained):
    more = ["--training.epochs", "5", "--training.peak", "0.01", "--training.patience", "None", "--seed", "7"]
    assert train(corpus, tmp_path / "run", *more, "--decoder.attention", "None") == 0
    ((views, data, settings),) = untrained
    assert (settings["epochs"], settings["peak"], settings["patience"]) == (5, 0.01, None)
    assert settings["best"] == tmp_path / "run" / "best.weights.h5"
    assert views.step.output["weights"] == {}
    assert "Heatmaps" not in {type(callback).__name__ for callback in settings["callbacks"]}
    shapes = {tuple(inputs["source"].shape) for inputs, _, _ in data(first_epoch=0, first_batch=0)}
    assert len(shapes) <= 2


def test_the_same_seed_starts_from_the_same_weights(corpus, tmp_path, untrained):
    for name, seed in (("first", "7"), ("second", "7"), ("third", "8")):
        assert train(corpus, tmp_path / name, "--seed", seed) == 0
    first, second, third = (views.training.get_weights() for views, _, _ in untrained)
    assert all((one == other).all() for one, other in zip(first, second, strict=True))
    assert any((one != other).any() for one, other in zip(first, third, strict=True))


def test_parallel_files_and_the_other_direction(corpus, tmp_path, untrained):
    files = ["--data.train", f"{corpus}/train.words", f"{corpus}/train.digits", "--data.reverse"]
    files += ["--data.valid", f"{corpus}/test.words", f"{corpus}/test.digits"]
    assert cli.main(["train", "text-to-text", *files, "--output", str(tmp_path / "back"), *TINY]) == 0
    rows = json.loads((tmp_path / "back" / "samples.json").read_text())
    assert [row["source"] for row in rows] == (corpus / "test.digits").read_text().splitlines()[:7]
    words = (corpus / "test.words").read_text().splitlines()
    assert all(set(row["references"]) <= set(words) for row in rows)
