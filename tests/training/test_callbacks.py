"""The callbacks work in anybody's `model.fit`; what they write is read back with TensorBoard's own reader."""

import html
import io
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_attn.errors import UserError
from keras_attn.training.bleu import Bleu
from keras_attn.training.callbacks import Board, DecodedScore, Heatmaps, Samples, board
from keras_attn.training.metrics import TokenCount


def dataset():
    """Return 4 batches of 2 rows, of which 2, 1, 2, 1 count."""
    rows = (np.ones((8, 3), "float32"), np.ones((8, 1), "float32"), np.asarray([1, 1, 1, 0, 1, 1, 0, 1], "float32"))
    options = tf.data.Options()
    options.autotune.enabled = False  # it takes seconds to stop
    return tf.data.Dataset.from_tensor_slices(rows).batch(2).with_options(options)


def fit(*callbacks, epochs=3, optimizer=None, tokens=False, validation=True, eager=True, **compile_options):
    """Train a model of one layer in the ordinary way; eagerly, where compiling would be all of the time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(
        optimizer or keras.optimizers.SGD(0.01),
        "mse",
        weighted_metrics=[TokenCount()] if tokens else ["mae"],
        run_eagerly=eager,
        **compile_options,
    )
    history = model.fit(
        dataset(),
        epochs=epochs,
        verbose=0,
        validation_data=dataset() if validation else None,
        callbacks=list(callbacks),
    )
    return model, history.history


def read(folder):
    """Return {tag: {step: value}} and {tag: plugin} of one run."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    values = {tag: {e.step: tf.make_ndarray(e.tensor_proto) for e in events.Tensors(tag)} for tag in tags}
    return values, {tag: events.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags}


def numbers(folder):
    return {tag: {step: float(value) for step, value in points.items()} for tag, points in read(folder)[0].items()}


@pytest.fixture
def clock(monkeypatch):
    """A clock for `Board` that goes on by a second per look, and by `clock.seconds += n`."""
    clock = SimpleNamespace(seconds=0.0)

    def look():
        clock.seconds += 1.0
        return clock.seconds

    monkeypatch.setattr(board, "time", SimpleNamespace(perf_counter=look))
    return clock


def approx(points):
    return pytest.approx(points, rel=1e-6)


def by_epoch(values):
    return approx(dict(enumerate(values, start=1)))


# Board


def test_board_writes_the_history_as_curves(tmp_path):
    _, history = fit(Board(tmp_path), eager=False)
    train, validation = numbers(tmp_path / "train"), numbers(tmp_path / "validation")
    assert set(train) == {"loss", "mae", "learning_rate", "updates_per_second"}
    assert set(validation) == {"loss", "mae"}
    for name in train:
        assert train[name] == by_epoch(history[name])
    for name in validation:
        assert validation[name] == by_epoch(history[f"val_{name}"])
    assert set(read(tmp_path / "train")[1].values()) == {"scalars"}
    assert {run.name for run in tmp_path.iterdir()} == {"train", "validation"}


def test_board_without_validation_writes_no_such_run(tmp_path):
    fit(Board(tmp_path), validation=False, epochs=1)
    assert {run.name for run in tmp_path.iterdir()} == {"train"}


@pytest.mark.parametrize("wrapped", [False, True])
def test_board_writes_the_learning_rate_of_a_schedule(tmp_path, wrapped):
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0))
    if wrapped:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    fit(Board(tmp_path), optimizer=optimizer)
    assert numbers(tmp_path / "train")["learning_rate"] == by_epoch([0.1 / 5, 0.1 / 9, 0.1 / 13])


def test_board_counts_real_tokens_per_second_of_training_alone(tmp_path, clock):
    class Slow(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            clock.seconds += 1000

        def on_train_batch_end(self, batch, logs=None):
            clock.seconds += 1000

        on_test_batch_end = on_epoch_end = on_train_batch_end

    _, history = fit(Slow(), Board(tmp_path), Slow(), tokens=True, epochs=2, eager=False)
    # A batch takes 1 + 1000 s: Slow after Board in "begin" and Slow before Board in "end" are inside a batch.
    inside = 2001.0
    train = numbers(tmp_path / "train")
    # The first batch of the fit, of 2 tokens, is spent on compiling and left out, its tokens with it.
    assert train["tokens_per_second"] == by_epoch([4 / (3 * inside), 6 / (4 * inside)])
    assert train["updates_per_second"] == by_epoch([1 / inside] * 2)
    assert history["tokens"] == [6.0, 6.0]
    assert history["tokens_per_second"] == approx([4 / (3 * inside), 6 / (4 * inside)])
    assert not {"tokens"} & (set(train) | set(numbers(tmp_path / "validation")))


def test_board_without_a_token_metric_counts_updates_only(tmp_path, clock):
    fit(Board(tmp_path))
    train = numbers(tmp_path / "train")
    assert train["updates_per_second"] == by_epoch([1.0] * 3)
    assert "tokens_per_second" not in train


def test_board_counts_every_update_under_steps_per_execution(tmp_path, clock):
    fit(Board(tmp_path), tokens=True, steps_per_execution=2, epochs=2, eager=False)
    train = numbers(tmp_path / "train")
    assert train["updates_per_second"] == by_epoch([2.0, 2.0])
    assert train["tokens_per_second"] == by_epoch([3.0, 3.0])


def test_board_leaves_out_the_compiling_batch_of_every_fit(tmp_path, clock):
    callback = Board(tmp_path)
    fit(callback, tokens=True, epochs=1)
    _, history = fit(callback, tokens=True, epochs=1)
    assert history["tokens_per_second"] == approx([4 / 3])


def test_board_writes_every_nth_update_if_asked(tmp_path):
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0)
    fit(Board(tmp_path, every=3), optimizer=keras.optimizers.SGD(schedule), epochs=2)
    updates = numbers(tmp_path / "updates")
    assert set(updates) == {"loss", "mae", "learning_rate"}
    assert updates["learning_rate"] == approx({3: 0.1 / 4, 6: 0.1 / 7})
    assert set(updates["loss"]) == {3, 6}


def test_board_writes_every_nth_update_under_steps_per_execution(tmp_path):
    fit(Board(tmp_path, every=3), steps_per_execution=2, epochs=2)
    assert set(numbers(tmp_path / "updates")["loss"]) == {4, 6}


def test_curves_go_on_in_a_second_fit(tmp_path):
    callback = Board(tmp_path)
    model, _ = fit(callback, epochs=1)
    model.fit(dataset(), initial_epoch=1, epochs=2, verbose=0, callbacks=[callback])
    assert list(numbers(tmp_path / "train")["loss"]) == [1, 2]


# DecodedScore


def scores(*values, name="bleu"):
    values = iter(values)

    def score():
        return next(values)

    score.name = name
    return score


def test_a_decoded_score_steers_keras_own_callbacks(tmp_path):
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best-{epoch}.weights.h5",
        monitor="val_bleu",
        mode="max",
        save_best_only=True,
        save_weights_only=True,
    )
    stop = keras.callbacks.EarlyStopping(monitor="val_bleu", mode="max", patience=2)
    _, history = fit(DecodedScore(scores(10, 30, 20, 25, 99)), best, stop, Board(tmp_path / "board"), epochs=9)
    assert history["val_bleu"] == [10.0, 30.0, 20.0, 25.0]
    assert sorted(path.name for path in tmp_path.glob("*.h5")) == ["best-1.weights.h5", "best-2.weights.h5"]
    assert numbers(tmp_path / "board" / "validation")["bleu"] == {1: 10.0, 2: 30.0, 3: 20.0, 4: 25.0}


def test_a_decoded_score_sees_the_weights_of_its_epoch():
    seen = []
    callback = DecodedScore(lambda: seen.append(float(callback.model.weights[1][0])) or 0.0, name="bias")
    model, history = fit(callback, epochs=2)
    assert seen[0] != seen[1] == float(model.weights[1][0])
    assert history["val_bias"] == [0.0, 0.0]


def test_a_score_now_and_then_and_at_the_end():
    class Keys(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            keys.append("val_exact_match" in logs)

    keys = []
    _, history = fit(DecodedScore(scores(1, 2, 3, name="exact_match"), every=2), Keys(), epochs=5)
    assert keys == [False, True, False, True, True]
    assert history["val_exact_match"] == [1.0, 2.0, 3.0]


def test_bleu_is_such_a_score():
    pairs = [("a cat sat on it", "a cat sat on it")]
    _, history = fit(DecodedScore(Bleu(lambda s: s, pairs)), epochs=1)
    assert history["val_bleu"] == [100.0]


# Samples


def test_samples_are_a_table_of_source_references_and_output(tmp_path):
    outputs = iter([["eins|zwei", ""], ["*3* <b>", "vier"]])
    fit(Samples(lambda s: next(outputs), ["one one", "two"], ["x", ["y", "z_1"]], tmp_path), epochs=2)
    values, plugins = read(tmp_path / "samples")
    assert plugins == {"samples": "text"}
    table = {step: value.item().decode().splitlines() for step, value in values["samples"].items()}
    assert table == {
        1: [
            "| source | reference | output |",
            "|---|---|---|",
            "| one one | x | eins&#124;zwei |",
            "| two | y<br>z\\_1 | (empty) |",
        ],
        2: [
            "| source | reference | output |",
            "|---|---|---|",
            "| one one | x | \\*3\\* &lt;b&gt; |",
            "| two | y<br>z\\_1 | vier |",
        ],
    }


def test_tensorboard_renders_samples_as_they_are(tmp_path):
    from tensorboard.plugin_util import markdown_to_safe_html

    odd = "a|b *c* _d_ <e> & `f` [g](h) # i \\ $j$ ~~k~~"
    fit(Samples(lambda s: s, [odd], ["r"], tmp_path), epochs=1)
    (text,) = read(tmp_path / "samples")[0]["samples"].values()
    cells = re.findall(r"<td>(.*?)</td>", markdown_to_safe_html(text.item()))
    assert [html.unescape(cell) for cell in cells] == [odd, "r", odd]
    assert not any("<" in cell for cell in cells)


def test_samples_take_pairs_a_limit_and_every_nth_epoch(tmp_path):
    decoded = []
    pairs = [(c, c) for c in "abcdef"]
    fit(Samples(lambda s: decoded.append(s) or s, pairs, None, tmp_path, limit=2, every=2), epochs=4)
    assert decoded == [["a", "b"]] * 2
    assert list(read(tmp_path / "samples")[0]["samples"]) == [2, 4]


# Heatmaps


def test_heatmaps_are_a_picture_per_sentence_and_epoch(tmp_path):
    def align(sentences):
        return [
            SimpleNamespace(weights=np.ones((1, len(s))), source_tokens=list(s), target_tokens=["t"]) for s in sentences
        ]

    def draw(weights, source_tokens, target_tokens):
        drawn.append((weights.shape, source_tokens, target_tokens))
        figure = Figure(figsize=(weights.shape[1], 1), dpi=10, facecolor=(1.0, 0.0, 0.0))
        return figure

    drawn = []
    fit(Heatmaps(align, ["ab", "abc"], draw, tmp_path), epochs=2)
    assert drawn == [((1, 2), ["a", "b"], ["t"]), ((1, 3), ["a", "b", "c"], ["t"])] * 2
    values, plugins = read(tmp_path / "attention")
    assert plugins == {"attention/1": "images", "attention/2": "images"}
    for tag, width in (("attention/1", 20), ("attention/2", 30)):
        assert list(values[tag]) == [1, 2]
        # An image summary holds width, height and then the picture.
        assert values[tag][1][:2].tolist() == [str(width).encode(), b"10"]
        picture = keras.utils.img_to_array(keras.utils.load_img(io.BytesIO(values[tag][1][2])))
        assert picture.shape == (10, width, 3)
        assert (picture == [255, 0, 0]).all()


def test_heatmaps_every_nth_epoch(tmp_path):
    align = [SimpleNamespace(weights=None, source_tokens=[], target_tokens=[])]
    fit(Heatmaps(lambda s: align, ["a"], lambda *_: Figure(figsize=(1, 1)), tmp_path, every=2), epochs=3)
    assert list(read(tmp_path / "attention")[0]["attention/1"]) == [2]


def test_heatmaps_refuse_another_number_of_alignments(tmp_path):
    with pytest.raises(UserError, match="align: expected 2 alignments, got 1"):
        fit(Heatmaps(lambda s: [None], ["a", "b"], lambda *_: None, tmp_path))


# All


def test_all_together_share_one_folder(tmp_path):
    one = SimpleNamespace(weights=None, source_tokens=[], target_tokens=[])
    fit(
        DecodedScore(scores(1, 2)),
        Board(tmp_path, every=1),
        Samples(lambda s: s, ["a"], ["b"], tmp_path),
        Heatmaps(lambda s: [one], ["a"], lambda *_: Figure(figsize=(1, 1)), tmp_path),
        epochs=2,
    )
    # TensorBoard follows one growing file per folder.
    files = {path.parent.name: len(list(path.parent.iterdir())) for path in tmp_path.glob("*/*")}
    assert files == {"train": 1, "validation": 1, "updates": 1, "samples": 1, "attention": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Board("x", every=0), "every: expected at least 1 update or None, got 0"),
        (lambda: DecodedScore(scores(), every=0), "every: expected at least 1 epoch, got 0"),
        (lambda: DecodedScore(lambda: 1.0), "score: expected a callable with a `name`"),
        (lambda: DecodedScore(3.0, name="x"), "score: expected a callable with a `name`.*got float"),
        (lambda: Samples(len, ["a"], ["b"], "x", every=0), "every: expected at least 1 epoch, got 0"),
        (lambda: Samples(len, ["a"], [], "x"), "references: expected one entry per source"),
        (lambda: Heatmaps(len, ["a"], len, "x", every=0), "every: expected at least 1 epoch, got 0"),
        (lambda: Heatmaps(len, [], len, "x"), "sentences: expected a list of one or more strings"),
        (lambda: Heatmaps(len, "abc", len, "x"), "sentences: expected a list of one or more strings"),
    ],
)
def test_mistakes_are_told_when_the_callback_is_made(make, message):
    with pytest.raises(UserError, match=message):
        make()
