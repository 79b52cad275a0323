"""`benchmarks/decoding_speed.py`: all sides say the same, and each part fills its table."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from keras_attn.decoding import Shortlist
from keras_attn.export import TargetScorer, to_ctranslate2
from keras_attn.models import TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END

SIZES = {"layers": 2, "width": 22, "heads": 2, "feed_forward": 13}
LINES = ["a man rides a horse", "two women are eating", "a horse", "two men", "a woman rides"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the benchmark asks of a run, with random weights; its sentences end."""
    text = Tokenizer.train([(line, line.upper()) for line in LINES], vocabulary_size=300, model="bpe")
    sizes = TransformerEncoder(**SIZES), TransformerDecoder(**SIZES, tied=False)
    views = seq2seq(*sizes, text.source.size, text.target.size)
    generator = np.random.default_rng(1)
    for weight in views.training.weights:
        matrix, table = len(weight.shape) == 2, "embeddings" in weight.path
        spread = weight.shape[-1] ** -0.5 if table else 1.5 * weight.shape[0] ** -0.5 if matrix else 0.2
        weight.assign(("gamma" in weight.path) + spread * generator.normal(size=weight.shape))
    bias = views.training.get_layer("logits").bias
    bias.assign(np.where(np.arange(text.target.size) == END, 4.5, np.where(np.arange(text.target.size) < 4, -9, 0)))
    model = SimpleNamespace(encoder=sizes[0], decoder=sizes[1], max_source_length=50, length_factor=2.0)
    return SimpleNamespace(
        views=views,
        text=text,
        config=SimpleNamespace(model=model),
        score=TargetScorer(views, text),
        shortlist_file=tmp_path_factory.mktemp("run") / "shortlist.npz",  # there is none
    )


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    model = run.config.model
    return to_ctranslate2(run.views, model.encoder, model.decoder, run.text, tmp_path_factory.mktemp("made") / "model")


def test_all_sides_say_the_same(script, run, folder, capsys):
    sides, speed = script("decoding_sides"), script("decoding_speed")
    wanted = sides.ours(run, 1, 2)(LINES)
    assert len(set(wanted)) > 2
    assert sides.compiled(run, 1, 2)(LINES) == wanted
    assert sides.rerun(run, 2)(LINES) == wanted
    assert sides.theirs(run, folder, 1, 2)(LINES) == wanted
    speed.equal(run, folder, LINES)
    assert capsys.readouterr().out.startswith("5 of 5 outputs are the same")


def test_the_tables_are_filled(script, run, folder, capsys):
    speed = script("decoding_speed")
    settings = speed.Settings(folder, beams=(2,), batches=(2, 3), rounds=2, xla=False)
    speed.speed(run, folder, settings, LINES)
    speed.latency(run, folder, settings, LINES[:2])
    out = capsys.readouterr().out
    assert all(f"beam 2, {side}: batches of" in out for side in ("ours", "CTranslate2, float32", "CTranslate2, int8"))
    names = ("│ CTranslate2, int8", "│ CTranslate2, 1 x 2", "│ ours, shortlist")
    assert [out.count(name) for name in names] == [1, 1, 0]


def test_a_shortlist_of_the_run_has_a_row(script, run, folder, monkeypatch, tmp_path, capsys):
    speed = script("decoding_speed")
    source, target = run.text.source.size, run.text.target.size
    Shortlist(np.zeros((source, 1), "int32"), range(target)).save(tmp_path / "shortlist.npz")
    monkeypatch.setattr(run, "shortlist_file", tmp_path / "shortlist.npz")
    settings = speed.Settings(folder, beams=(2,), batches=(2,), rounds=2, xla=False)
    speed.speed(run, folder, settings, LINES)
    assert capsys.readouterr().out.count("│ ours, shortlist") == 1


def test_a_ratio_is_above_one_where_ours_is_faster(script):
    rows = list(script("decoding_speed").rated({"ours": [10.0, 20.0, 30.0], "theirs": [20.0, 40.0, 60.0]}, 40))
    assert rows == [("ours", "2,000", "1.00", ""), ("theirs", "1,000", "2.00", "2.00 - 2.00")]


def test_outputs_of_a_given_length(script, run):
    growth = script("decoding_growth")
    source = np.full((3, 5), 9, "int32")
    for beam in (1, 2):
        ids = growth.ending(run, beam, 7)(source)
        assert ids.shape == (3, 1, 7)
        assert np.all(ids.numpy() > END - 1)
        for limit in (7, 20):
            ids = growth.ending(run, beam, 7, limit)(source).numpy()
            assert np.all(ids[..., 6] == END)
            assert np.all(ids[..., :6] > END)
            assert np.all(ids[..., 7:] == 0)


@pytest.mark.parametrize("beam", [1, 2])
def test_kerashub_samples_as_many_tokens(beam, script, run):
    pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    sizes = TransformerEncoder(**SIZES), TransformerDecoder(**SIZES)
    ids = script("decoding_hub").hub(*sizes, 31, beam, 7)(np.full((3, 5), 9, "int32"))
    assert ids.shape == (3, 7)


def test_company_changes_no_output(script, run, tmp_path, monkeypatch, capsys):
    company = script("decoding_company")
    monkeypatch.setattr(company.Run, "load", lambda folder: run)
    source = tmp_path / "source.txt"
    source.write_text("\n".join(LINES), "utf-8")
    company.main(company.Settings(tmp_path, source, beams=(1, 2)))
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " of 5 " in line and "│" not in line]
    assert [" ".join(row[-5:-2]) for row in rows] == ["5 of 5"] * 4
    assert all(float(row[-1]) < 1e-4 for row in rows)


def test_another_output_is_a_tie_only_if_it_is_as_good(script, run, monkeypatch):
    company = script("decoding_company")
    score = {"": 0.0, "a": -1.0, "b": -1.00005, "c": -2.0}

    def of(*text):
        return company.Output(list(text), np.array([score[one] for one in text]), np.zeros(len(text)))

    monkeypatch.setattr(company, "apart", lambda run, line, *outputs: 1e-5 if line == "rounded" else 1.0)
    lines = ["equal", "as good", "worse", "rounded"]
    assert company.compare(run, lines, of("a", "a", "a", "a"), of("a", "b", "c", "c")) == (1, 2, 0.0)


def test_the_first_token_that_differs_is_compared(script, run):
    sides = script("decoding_sides")
    log_p = [run.score(["two men"], [text])[0] for text in ("A HORSE", "A MAN")]
    place = next(i for i in range(9) if log_p[0].tokens[i] != log_p[1].tokens[i])
    wanted = abs(log_p[0].log_p[place] - log_p[1].log_p[place])
    assert sides.apart(run, "two men", "A HORSE", "A MAN") == pytest.approx(wanted, rel=1e-5)
