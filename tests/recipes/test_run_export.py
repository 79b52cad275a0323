"""A run's folder, exported for each engine and scored, with weights that nobody trained."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill

from keras_attn.alignment import learn_lexicon
from keras_attn.decoding import Shortlist
from keras_attn.errors import UserError
from keras_attn.export import Agreement, Output, Parity, load
from keras_attn.export.warmup import read_warmup
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder
from keras_attn.recipes import Run, run_export
from keras_attn.recipes.run_config import ModelConfig, RunConfig
from keras_attn.recipes.run_export import export_ctranslate2, export_litert, export_saved_model
from keras_attn.serving.batching import Batching
from keras_attn.text import Tokenizer

PAIRS = [("a man rides a horse", "ein Mann reitet ein Pferd"), ("two women", "zwei Frauen"), ("a horse", "ein Pferd")]
SIZES = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 7}


def make(folder, encoder, decoder):
    text = Tokenizer.train(PAIRS, vocabulary_size=300, model="bpe")
    model = ModelConfig(encoder=encoder, decoder=decoder, max_source_length=9)
    pairs = folder.parent / "pairs.tsv"
    pairs.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS))
    data = {"train": [str(pairs), str(folder.parent / "gone.tsv")]}
    fields = {"seed": 7, "output": str(folder), "data": data}
    config = RunConfig(recipe="toy", fields=fields, model=model, tokenizer=text.fingerprint, terms="Of nobody.")
    run = Run.create(folder, config, text)
    run.keep_report({"bleu": 1.5, "signature_bleu": "nrefs:1"})
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
    assert {path.name for path in tmp_path.iterdir()} == {"run", "pairs.tsv"}


def test_a_run_reads_of_a_target_what_it_might_write(run):
    short, long = run.score(["a horse"] * 2, ["ein Pferd", "ein Pferd " * 20])
    assert (short.truncated, long.truncated) == (False, True)
    assert len(long.tokens) == 2 * 9 + 10 + 1


def test_a_saved_model_brings_along_what_a_server_and_a_reader_need(run, tmp_path):
    folder = export_saved_model(run, tmp_path / "toy" / "1", n_best=2)
    manifest = json.loads((folder / "assets.extra" / "manifest.json").read_text())
    assert (manifest["recipe"], manifest["n_best"], manifest["seeds"]) == ("toy", 2, {"seed": 7})
    assert manifest["tokenizer"] == {"sha256": run.text.fingerprint}
    assert manifest["fields"] == {"seed": 7, "data": {"train": ["pairs.tsv", "gone.tsv"]}}  # no places
    pairs = Path(run.config.fields["data"]["train"][0]).read_bytes()
    digest = {"sha256": hashlib.sha256(pairs).hexdigest(), "bytes": len(pairs)}
    assert manifest["data"] == {"train/pairs.tsv": digest, "train/gone.tsv": None}
    assert manifest["scores"] == {"bleu": 1.5, "signature_bleu": "nrefs:1"}
    assert manifest["terms"] == "Of nobody."
    assert manifest["versions"]["export"]["keras_attn"]
    for name, kept in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == kept["sha256"]
    assert {"saved_model.pb", "batching_params.pbtxt"} < set(manifest["files"])
    described = manifest["signatures"]
    loaded = tf.saved_model.load(str(folder)).signatures
    assert described.keys() == loaded.keys()
    for name, signature in loaded.items():
        inputs = {tensor.name: tensor for tensor in signature.structured_input_signature[1].values()}
        for told, tensors in (
            (described[name]["inputs"], inputs),
            (described[name]["outputs"], signature.structured_outputs),
        ):
            assert told.keys() == tensors.keys()
            for tensor, words in told.items():
                shape, dtype = re.match(r"\((.*?)\) (\w+)", words).groups()
                assert tensors[tensor].dtype.name == dtype
                assert tensors[tensor].shape.rank == len(shape.strip(",").split(","))
    batching = Batching.read(folder / "batching_params.pbtxt")
    assert (batching.max_batch_size, batching.batch_timeout_micros, batching.max_enqueued_batches) == (64, 2000, 1000)
    assert load(folder).n_best == 2
    parity = json.loads((folder / "assets.extra" / "parity.json").read_text())
    assert [way["identical"] for way in parity["ways"].values()] == [len(PAIRS)] * 2
    report = (folder / "assets.extra" / "report.md").read_text()
    assert "C++ session: 3 of 3 outputs identical" in report
    assert str(tmp_path) not in report + json.dumps(manifest)
    if find_spec("tensorflow_serving"):
        (request,) = read_warmup(folder)
        assert request.signature == "serving_default"
        assert request.inputs["text"].tolist() == [source.encode() for source, _ in PAIRS[:2]]


def test_an_export_that_says_something_else_is_not_kept(run, tmp_path, monkeypatch):
    other = Agreement(1, 0, 0, 0.0, [{"input": "a"}])
    monkeypatch.setattr(run_export, "compare", lambda *_: Parity({"C++ session": other}, {}, [], {}))
    with pytest.raises(UserError, match=r"export: does not say what the run says, nothing was kept: .*first: .*'a'"):
        export_saved_model(run, tmp_path / "1", n_best=1)
    monkeypatch.setattr(run_export, "greedy_litert", lambda *_: Output(["x"] * 3, np.zeros(3), np.zeros(3, bool)))
    with pytest.raises(UserError, match="export: does not say what the run says, nothing was kept: 0 of 3"):
        export_litert(run, tmp_path / "2")
    export_litert(run, tmp_path / "3", quantization="int8")  # rounding is no fault
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


def test_an_export_with_a_shortlist_says_what_the_run_says_with_it(run, tmp_path):
    sources, targets = zip(*PAIRS, strict=True)
    sides = run.text.source.encode(sources), run.text.target.encode(targets)
    Shortlist.of(learn_lexicon(*sides), [9], run.text.source.size, each=2).save(run.shortlist_file)
    few = Run.load(run.folder, shortlist=True)
    lines = [source for source, _ in PAIRS]
    assert few.module(lines).text != run.module(lines).text
    assert few.greedy(lines).text == run.module(lines).text  # which is for engines that have no such list
    folder = export_saved_model(few, tmp_path / "1", n_best=2)
    assert load(folder)(lines).text == few.module(lines).text
    run.shortlist_file.unlink()
    with pytest.raises(
        UserError, match=r"shortlist.npz: cannot be read as a shortlist .*keras-attn shortlist makes one"
    ):
        Run.load(run.folder, shortlist=True)


def test_an_export_whose_weights_are_others_fails_and_leaves_nothing(run, tmp_path, monkeypatch):
    """Nothing of the check is replaced: one weight changes on its way to the disk."""
    save, weight = tf.saved_model.save, run.views.training.weights[0]
    kept = weight.numpy()

    def bent(*args, **kwargs):
        weight.assign(-kept)
        save(*args, **kwargs)
        weight.assign(kept)

    monkeypatch.setattr(tf.saved_model, "save", bent)
    with pytest.raises(UserError, match=r"does not say what the run says, nothing was kept: .*C.. session: 0 of 3"):
        export_saved_model(run, tmp_path / "models" / "1")
    assert not list((tmp_path / "models").iterdir())


def test_litert_says_what_the_run_says(run, tmp_path):
    report = (export_litert(run, tmp_path / "1") / "report.md").read_text()
    assert "Run by LiteRT's interpreter, greedily: 3 of 3 outputs identical" in report
