"""A run's folder, converted for CTranslate2 and scored, with weights that nobody trained."""

from __future__ import annotations

import pytest
from catalogue import fill

from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder
from keras_attn.recipes import Run, run_export
from keras_attn.recipes.run_config import ModelConfig, RunConfig
from keras_attn.recipes.run_export import export_ctranslate2
from keras_attn.text import Tokenizer

PAIRS = [("a man rides a horse", "ein Mann reitet ein Pferd"), ("two women", "zwei Frauen"), ("a horse", "ein Pferd")]
SIZES = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 7}


def make(folder, encoder, decoder):
    text = Tokenizer.train(PAIRS, vocabulary_size=300, model="bpe")
    model = ModelConfig(encoder=encoder, decoder=decoder, max_source_length=9)
    run = Run.create(folder, RunConfig(recipe="toy", fields={}, model=model, tokenizer=text.fingerprint), text)
    fill(run.views.training.weights, 1)
    run.views.training.save_weights(run.weights)
    run.keep_samples([source for source, _ in PAIRS], [[target] for _, target in PAIRS])
    return Run.load(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "toy"
    return make(folder, TransformerEncoder(**SIZES), TransformerDecoder(**SIZES))


def test_a_run_is_converted_and_the_report_says_what_was_compared(run, tmp_path):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    folder = export_ctranslate2(run, tmp_path / "model", quantization="int8")
    report = (folder / "report.md").read_text()
    assert "Loaded by CTranslate2: log p of " in report
    assert "`toy`" in report
    assert (folder / "model.bin").is_file()


def test_what_scores_differently_is_not_kept(run, tmp_path, monkeypatch):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    export_ctranslate2(run, tmp_path / "1", ["a man"])
    monkeypatch.setattr(run_export, "score_difference", lambda *_: 0.1)
    with pytest.raises(UserError, match=r"export: does not say what the run says, nothing was kept: .* tokens"):
        export_ctranslate2(run, tmp_path / "2", ["a man"])
    export_ctranslate2(run, tmp_path / "3", ["a man"], quantization="int8")  # rounding is no fault
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "3"]


def test_a_recurrent_run_is_refused_before_anything_is_written(tmp_path):
    run = make(tmp_path / "run", RNNEncoder(units=5, embedding=7), RNNDecoder(units=5, embedding=7))
    with pytest.raises(UserError, match="encoder: not supported by the conversion to CTranslate2"):
        export_ctranslate2(run, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_reads_of_a_target_what_it_might_write(run):
    short, long = run.score(["a horse"] * 2, ["ein Pferd", "ein Pferd " * 20])
    assert (short.truncated, long.truncated) == (False, True)
    assert len(long.tokens) == 2 * 9 + 10 + 1
