"""What a user can do wrong with a run: one clear line, status 2, and nothing half-written."""

from __future__ import annotations

import json
import resource
import shutil

import pytest
from tiny_recipe import TINY

from keras_attn import cli
from keras_attn.recipes import learn


def everything(folder):
    """Every file of a folder with its bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# A damaged run


def edit(change):
    def spoil(folder):
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))

    return spoil


def cut(name):
    def spoil(folder):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return spoil


def gone(name):
    return lambda folder: (folder / name).unlink()


def swapped(folder):
    (folder / "tokenizer" / "source.model").write_bytes((folder / "tokenizer" / "target.model").read_bytes())


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (edit(lambda config: config.update(color="red")), ["config.json: color: Extra inputs are not permitted"]),
        (edit(lambda config: config["model"]["decoder"].update(colour=1)), ["config.json: model.decoder.colour"]),
        (edit(lambda config: config["model"]["encoder"].update(units="many")), ["model.encoder.units", "integer"]),
        (edit(lambda config: config["model"]["decoder"].update(attention="x")), ["model.decoder", "'additive'"]),
        (edit(lambda config: config["model"]["encoder"].update(units=-3)), ["config.json", "units"]),
        (edit(lambda config: config["model"].pop("encoder")), ["config.json: model.encoder: Field required"]),
        (cut("config.json"), ["config.json", "Invalid JSON"]),
        (gone("config.json"), ["run: expected the folder of a run (with config.json)"]),
        (gone("best.weights.h5"), ["best.weights.h5: no weights yet; has the run finished its first epoch?"]),
        (cut("best.weights.h5"), ["best.weights.h5: cannot be loaded into this run's model"]),
        (
            edit(lambda config: config["model"]["decoder"].update(units=9)),
            ["best.weights.h5: cannot be loaded into this run's model"],
        ),
        (gone("tokenizer/source.model"), ["expected a saved tokenizer", "source.model"]),
        (cut("tokenizer/target.model"), ["target.model is damaged"]),
        (swapped, ["tokenizer: not the tokenizer this run was trained with"]),
    ],
)
def test_a_damaged_run_names_the_file_and_what_is_wrong(copy, fails, spoil, named):
    spoil(copy)
    before = everything(copy)
    message = fails("decode", copy, "one two")
    assert all(part in message for part in named), message
    assert everything(copy) == before


def test_samples_that_cannot_be_read_are_named_and_nothing_is_exported(copy, fails, tmp_path):
    cut("samples.json")(copy)
    assert "samples.json: cannot be read" in fails("export", copy, tmp_path / "models" / "1")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("command", ["decode", "export", "plot"])
def test_a_folder_that_is_no_run(command, fails, tmp_path):
    last = tmp_path / "models" if command == "export" else "one"
    for folder in (tmp_path / "absent", tmp_path):
        assert f"expected the folder of a run (with config.json) or of an exported model, got '{folder}'" in fails(
            command, folder, last
        )
    assert list(tmp_path.iterdir()) == []


def test_evaluate_of_a_folder_that_is_no_run(fails, corpus, tmp_path):
    files = ["--source", corpus / "test.words", "--reference", corpus / "test.digits", "--output", tmp_path / "new"]
    assert "expected the folder of a run" in fails("evaluate", tmp_path / "absent", *files)
    assert list(tmp_path.iterdir()) == []


# Places that cannot be written to


def test_an_export_does_not_overwrite_a_version(run, fails, tmp_path):
    (tmp_path / "1").mkdir()
    assert "expected one that does not exist yet" in fails("export", run, tmp_path / "1")
    assert list((tmp_path / "1").iterdir()) == []


def test_an_export_to_a_place_that_cannot_be_written_to(run, fails, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "file" in fails("export", run, tmp_path / "file" / "models" / "1")
    assert everything(tmp_path) == {tmp_path / "file": b"mine"}


@pytest.fixture
def small_disk():
    """No file may grow over so many bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def shrink(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    yield shrink
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_an_export_to_a_full_disk(run, fails, tmp_path, small_disk):
    small_disk(20_000)
    message = fails("export", run, tmp_path / "models" / "1")
    small_disk(resource.RLIM_INFINITY)
    assert "too large" in message.lower()
    assert everything(tmp_path) == {}
    assert not (tmp_path / "models" / "1").exists()


def test_a_picture_on_a_full_disk(run, fails, tmp_path, small_disk):
    small_disk(100)
    message = fails("plot", run, "one two", "--output", tmp_path / "heatmap.png")
    small_disk(resource.RLIM_INFINITY)
    assert "too large" in message.lower()
    assert list(tmp_path.iterdir()) == []


# Training that cannot begin


@pytest.fixture
def train(fails, monkeypatch):
    """Train text-to-text, which must fail before the first update."""
    monkeypatch.setattr(learn, "fit", lambda *_, **__: pytest.fail("it went on to train"))
    return lambda *arguments: fails("train", "text-to-text", *TINY, *arguments)


def test_a_folder_that_holds_a_run_is_left_as_it_is(copy, train, corpus):
    before = everything(copy)
    message = train("--data.train", corpus / "train.tsv", "--output", copy)
    assert message == f"output: '{copy}' holds a run already; take another folder or delete it"
    assert everything(copy) == before


def test_a_run_that_died_before_its_first_epoch_may_be_begun_again(copy, corpus, monkeypatch):
    for name in ("best.weights.h5", "finished"):
        gone(name)(copy)
    shutil.rmtree(copy / "checkpoints")
    begun = []
    monkeypatch.setattr(learn, "fit", lambda *_, **__: begun.append(True))
    given = ["--data.train", f"{corpus}/train.tsv", "--output", str(copy)]
    assert cli.main(["train", "text-to-text", *TINY, *given]) == 0
    assert begun


def test_test_pairs_that_are_left_out_are_told(corpus, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(learn, "fit", lambda *_, **__: None)
    few = (corpus / "train.tsv").read_text().splitlines()[:3]
    (tmp_path / "test.tsv").write_text("\n".join([*few, "one\t"]) + "\n")
    files = ["--data.train", f"{corpus}/train.tsv", "--data.test", f"{tmp_path}/test.tsv"]
    assert cli.main(["train", "text-to-text", *TINY, *files, "--output", str(tmp_path / "run")]) == 0
    assert "test: 4 records read, 3 kept; skipped: 1 with an empty side" in caplog.text


def test_an_output_that_cannot_be_written_to(train, corpus, tmp_path):
    (tmp_path / "file").write_text("mine")
    message = train("--data.train", corpus / "train.tsv", "--output", tmp_path / "file" / "run")
    assert "file" in message
    assert everything(tmp_path) == {tmp_path / "file": b"mine"}


def test_an_output_on_a_full_disk_can_be_tried_again(train, corpus, tmp_path, small_disk):
    small_disk(3_000)
    message = train("--data.train", corpus / "train.tsv", "--output", tmp_path / "run")
    small_disk(resource.RLIM_INFINITY)
    assert "too large" in message.lower()
    assert not (tmp_path / "run" / "config.json").exists()


COVERED = ["--search.beam", "5", "--search.coverage-penalty", "2"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--data.train: expected one TSV or two parallel files, got none"),
        (["--data.train", "{corpus}/absent.tsv"], "absent.tsv"),
        (["--data.train", "{corpus}"], "{corpus}"),
        (["--data.train", "{corpus}/train.words", "{corpus}/test.digits"], "600"),
        (["--data.train", "{corpus}/train.tsv", "{corpus}/train.tsv", "{corpus}/train.tsv"], "files, got 3"),
        (["--data.train", "{corpus}/train.words"], "train.words"),  # one column
        (["--data.train", "{corpus}/train.tsv", "--data.valid", "{corpus}/absent.tsv"], "absent.tsv"),
        (["--data.train", "{corpus}/train.tsv", "--data.test", "{corpus}/absent.tsv"], "absent.tsv"),
        (["--data.train", "{corpus}/train.tsv", "--data.max-length", "1"], "over the longest length"),
        (["--data.train", "{corpus}/train.tsv", "--init-from", "{corpus}"], "expected the folder of a run"),
        (["--data.train", "{corpus}/train.tsv", "--encoder.units", "0"], "units"),
        (["--data.train", "{corpus}/train.tsv", "--decoder.dropout", "1.5"], "dropout"),
        (["--data.train", "{corpus}/train.tsv", "--decoder.attention", "x"], "'additive'"),
        (["--data.train", "{corpus}/train.tsv", "--decoder.no-deep-output", "--decoder.units", "9"], "tied: expected"),
        (["--data.train", "{corpus}/train.tsv", "--text.shared", "--encoder.embedding", "9"], "share_embeddings"),
        (["--data.train", "{corpus}/train.tsv", "--text.vocabulary-size", "5"], "size"),
        (
            ["--data.train", "{corpus}/train.tsv", "--decoder.attention", "location", "--data.max-length", "128"],
            "decoder.max_source_length: expected more than 128, or a smaller data.max_length, got 128",
        ),
        (
            ["--data.train", "{corpus}/train.tsv", "--decoder.attention", "None", *COVERED],
            "coverage_penalty: expected 0 without attention, of which it is made, got 2.0",
        ),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(arguments, named, train, corpus, tmp_path):
    given = [argument.format(corpus=corpus) for argument in arguments]
    message = train("--output", tmp_path / "run", *given)
    assert named.format(corpus=corpus) in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("side", "places", "needed"),
    [("encoder", 100, 100), ("decoder", 210, 210)],  # of the decoder what a search may write, 2 * 100 + 10
)
def test_learned_places_have_to_reach(side, places, needed, corpus, tmp_path, fails, monkeypatch):
    monkeypatch.setattr(learn, "fit", lambda *_, **__: pytest.fail("it went on to train"))
    sizes = [f"--{side}.position", "learned", f"--{side}.places", str(places), "--text.vocabulary-size", "300"]
    given = ["--data.train", str(corpus / "train.tsv"), "--output", str(tmp_path / "run"), *sizes]
    message = fails("train", "text-to-text-transformer", *given)
    assert f"{side}.places: expected more than {needed}, or a smaller data.max_length, got {places}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--training.peak", "0"], "peak"),
        (["--training.warmup", "0"], "warmup"),
        (["--training.smoothing", "1"], "smoothing"),
        (["--training.epochs", "0"], "epochs"),
        (["--training.patience", "-1"], "patience"),
        (["--training.tokens-per-batch", "0"], "tokens_per_batch"),
        (["--training.shapes", "0"], "shapes"),
        (["--training.score-limit", "0"], "limit"),
        (["--training.updates-per-epoch", "0"], "updates"),
        (["--training.clip-norm", "0"], "clip"),
        (["--training.tokenize", "14a"], "14a"),
    ],
)
def test_numbers_that_make_no_sense_leave_no_folder(arguments, named, fails, corpus, tmp_path):
    given = ["--data.train", corpus / "train.tsv", "--output", tmp_path / "run", *TINY, *arguments]
    assert named in fails("train", "text-to-text", *given)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_given_is_kept(corpus, train, tmp_path):
    """A folder that was there before, with something in it, is no run, and is not deleted on failure."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes").write_text("mine")
    train("--data.train", corpus / "absent.tsv", "--output", tmp_path / "run")
    assert everything(tmp_path) == {tmp_path / "run" / "notes": b"mine"}
    shutil.rmtree(tmp_path / "run")
