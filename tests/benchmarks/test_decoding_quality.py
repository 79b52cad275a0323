"""`benchmarks/decoding_quality.py`: settings are chosen on validation text, the table is of the test."""

from __future__ import annotations

import pytest

from keras_attn import recipes
from keras_attn.parse import parse
from keras_attn.training.text_scores import bleu


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two hardly trained runs over one vocabulary."""
    folder = tmp_path_factory.mktemp("quality")
    words = ["one", "two", "three", "four", "five"]
    lines = [f"{a} {b}\t{b.upper()} {a.upper()} !" for a in words for b in words]
    for name in ("train", "valid", "test"):
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    fields = [word for name in ("train", "valid", "test") for word in (f"--data.{name}", str(folder / f"{name}.tsv"))]
    fields += [
        "--encoder.units",
        "6",
        "--decoder.units",
        "6",
        "--training.epochs",
        "1",
        "--text.vocabulary-size",
        "300",
    ]
    made = [folder / "1", folder / "2"]
    for seed, output in enumerate(made, 1):
        name = "text-to-text"
        recipe = parse(recipes.load(name), [*fields, "--seed", str(seed), "--output", str(output)], name)
        recipe.train()
    return made


def test_the_table_has_every_search_of_one_and_of_all(script, runs, capsys):
    quality = script("decoding_quality")
    quality.main(
        quality.Settings(tuple(runs), beams=(2,), lengths=(0.0, 1.0), coverages=(0.0,), temperatures=(0.5,), samples=2)
    )
    said = capsys.readouterr().out
    rows = [line.split()[1] for line in said.splitlines() if line.startswith("test,")]
    assert rows == ["greedy", "beam", "all", "all", "least"]
    assert said.count("valid, beam 2, length") == 2
    assert said.count("valid, 2 samples, temperature") == 1


def test_the_best_on_validation_text_is_taken(script):
    quality = script("decoding_quality")
    valid = quality.Text(["a", "b"], [["the first of them"], ["the second of them"]], "13a")

    def right(lines):
        return ["the first of them", "the second of them"]

    made = {"wrong": ("no", lambda lines: ["it", "it"]), "right": ("yes", right), "later": ("late", right)}
    assert quality.best("x", made, valid) == ("right", "yes")
    assert valid.scores(right)[0] == bleu(right([]), valid.references)[0]


def test_of_samples_the_one_like_the_others_is_said(script, runs, monkeypatch):
    quality = script("decoding_quality")
    run = quality.Run.load(runs[0])
    drawn = [quality.TextToText(run.views, run.text, quality.Sample(4)).hypotheses(["one two"])]
    said = quality.least_risk(run, 4, 1.0)(["one two"])
    assert said[0] in [one.text for one in drawn[0][0]]


def test_runs_of_different_vocabularies_are_refused(script, runs, monkeypatch):
    quality = script("decoding_quality")
    loaded = [quality.Run.load(folder) for folder in runs]
    loaded[1].text = type("Text", (), {"fingerprint": "another"})()
    monkeypatch.setattr(quality.Run, "load", lambda folder: loaded.pop(0))
    with pytest.raises(quality.UserError, match="another vocabulary"):
        quality.main(quality.Settings(tuple(runs)))
