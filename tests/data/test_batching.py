import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_attn.data import BatchPlan, EncodedPairs, Epochs, as_dataset, batches, read_pairs
from keras_attn.errors import UserError
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

WORDS = ["a", "man", "two", "dogs", "sky", "sea", "rides"]
PAIRS = [
    (" ".join(WORDS[(i + j) % 7] for j in range(1 + i % 9)), " ".join(WORDS[(i * j) % 7] for j in range(1 + i % 7)))
    for i in range(60)
]
SMALL = {"tokens_per_batch": 48, "shapes": 3}


@pytest.fixture(scope="module")
def text():
    return Tokenizer.train(PAIRS, vocabulary_size=290)


def arrays(dataset):
    return [
        (inputs["source"].numpy(), inputs["target"].numpy(), labels.numpy(), weights.numpy())
        for inputs, labels, weights in dataset
    ]


def sentences(batches, text):
    """The pairs in the rows of batches, in their order."""
    return [
        (text.source.decode([source])[0], text.target.decode([labels])[0])
        for batch in batches
        for source, _, labels, weights in zip(*batch, strict=True)
        if weights.any()
    ]


def order(batches):
    return [batch[0].tolist() for batch in batches]


def test_each_pair_comes_once_an_epoch(text):
    dataset = batches(PAIRS, text, **SMALL)
    for _ in range(2):
        assert sorted(sentences(arrays(dataset), text)) == sorted(PAIRS)


def test_rows_are_what_teacher_forcing_needs(text):
    for source, target, labels, weights in arrays(batches(PAIRS, text, **SMALL)):
        assert source.dtype == target.dtype == labels.dtype == np.int32
        assert weights.dtype == np.float32
        for x, shifted, y, weight in zip(source, target, labels, weights, strict=True):
            ids = text.target.encode(text.target.decode([y]))[0].tolist()
            n = len(ids)
            rest = len(y) - n - 1
            assert y.tolist() == [*ids, END] + [PADDING] * rest
            assert shifted.tolist() == [START, *ids] + [PADDING] * rest
            assert weight.tolist() == [1.0] * (n + 1) + [0.0] * rest
            words = text.source.encode(text.source.decode([x]))[0].tolist()
            assert x.tolist() == [*words, END] + [PADDING] * (len(x) - len(words) - 1)


def test_batches_have_the_static_shapes_of_the_plan(text):
    encoded = EncodedPairs.encode(PAIRS, text)
    plan = BatchPlan(encoded.source_lengths + 1, encoded.target_lengths + 1, **SMALL)
    dataset = batches(encoded, **SMALL)
    shapes = [(*source.shape, target.shape[1]) for source, target, _, _ in arrays(dataset)]
    assert shapes == [shape for _, shape in plan.epoch(0)]
    assert int(dataset.cardinality()) == plan.steps == len(shapes)
    assert len(plan.shapes) == 3
    ids = tf.TensorSpec([None, None], tf.int32)
    assert dataset.element_spec == (
        {"source": ids, "target": ids},
        ids,
        tf.TensorSpec([None, None], tf.float32),
    )


def test_a_short_batch_is_filled_up_with_empty_rows(text):
    got = arrays(batches(PAIRS[:7], text, tokens_per_batch=48, shapes=1))
    assert len({source.shape for source, *_ in got}) == 1
    rows = [tuple(bool(part.any()) for part in row) for batch in got for row in zip(*batch, strict=True)]
    assert len(rows) > 7
    # An end token alone is the shortest source: some kernels refuse rows in which nothing may be seen.
    assert sorted(rows) == [(True, False, False, False)] * (len(rows) - 7) + [(True,) * 4] * 7


def test_the_same_seed_gives_the_same_batches(text):
    def epochs(seed):
        dataset = batches(PAIRS, text, seed=seed, **SMALL)
        return [order(arrays(dataset)) for _ in range(3)]

    first, second, other = epochs(1), epochs(1), epochs(2)
    assert first == second
    assert first != other
    assert first[0] != first[1] != first[2] != first[0]


def test_a_peek_does_not_shift_the_epochs(text):
    plain, peeked = (batches(PAIRS, text, **SMALL) for _ in range(2))
    expected = [order(arrays(plain)) for _ in range(2)]
    steps = int(plain.cardinality())
    for count in (1, 2, steps - 1):
        taken = arrays(peeked.take(count))
        assert order(taken) == expected[0][:count]
    assert [order(arrays(peeked)) for _ in range(2)] == expected


def test_an_epoch_counts_when_its_last_batch_was_taken(text):
    """Keras takes as many batches as there are and never sees the end of the dataset."""
    dataset = batches(PAIRS, text, **SMALL)
    expected = [order(arrays(batches(PAIRS, text, first_epoch=number, **SMALL))) for number in range(3)]
    for number in range(3):
        iterator = iter(dataset)
        got = [next(iterator)[0]["source"].numpy().tolist() for _ in range(int(dataset.cardinality()))]
        assert got == expected[number]


def test_repeat_goes_on_with_the_next_epoch(text):
    steps = int(batches(PAIRS, text, **SMALL).cardinality())
    repeated = order(arrays(batches(PAIRS, text, **SMALL).repeat().take(2 * steps)))
    dataset = batches(PAIRS, text, **SMALL)
    assert repeated == order(arrays(dataset)) + order(arrays(dataset))


def seen_by_fit(dataset, callbacks=(), **options):
    """The batches of each epoch of a `fit`."""

    class Recorder(keras.Model):
        def train_step(self, data):
            seen[-1].append(data[0]["source"].numpy().tolist())
            return {"loss": keras.ops.zeros(())}

        def test_step(self, data):
            return {"loss": keras.ops.zeros(())}

    seen = []
    model = Recorder()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    start = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append([]))
    model.fit(dataset, verbose=0, shuffle=False, callbacks=[start, *callbacks], **options)
    return seen


def test_fit_sees_each_epoch_in_its_order(text):
    seen = seen_by_fit(batches(PAIRS, text, **SMALL), validation_data=batches(PAIRS, text, **SMALL), epochs=3)
    expected = [order(arrays(batches(PAIRS, text, first_epoch=number, **SMALL))) for number in range(3)]
    assert seen == expected


def test_a_stopped_pass_goes_on_where_it_was(text):
    whole = batches(PAIRS, text, **SMALL)
    expected = [order(arrays(whole)) for _ in range(4)]
    steps = len(expected[0])
    for first_batch in (1, steps - 2):
        dataset = batches(PAIRS, text, first_epoch=1, first_batch=first_batch, **SMALL)
        assert order(arrays(dataset.take(1))) == [expected[1][first_batch]], "a look shifts nothing"
        assert [order(arrays(dataset)) for _ in range(3)] == [expected[1][first_batch:], *expected[2:]]


def test_repeat_goes_on_after_a_short_first_pass(text):
    expected = [
        batch for number in range(3) for batch in order(arrays(batches(PAIRS, text, first_epoch=number, **SMALL)))
    ]
    repeated = batches(PAIRS, text, first_batch=3, **SMALL).repeat().take(len(expected) - 3)
    assert order(arrays(repeated)) == expected[3:]


class End(keras.callbacks.Callback):
    """Ends the first epoch after so many batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = batch + 1 == self.batches

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training, self.batches = False, None


def test_a_stopped_fit_goes_on_where_it_was(text, recwarn):
    epochs = Epochs(PAIRS, text, **SMALL)
    expected = seen_by_fit(as_dataset(epochs), epochs=4)
    rest = as_dataset(epochs, first_epoch=1, first_batch=4)
    seen = seen_by_fit(rest, initial_epoch=1, epochs=4, callbacks=[End(epochs.steps - 4)])
    assert seen == [expected[1][4:], *expected[2:]]
    assert not [warning for warning in recwarn if "ran out of data" in str(warning.message)]


def test_every_pass_is_said_to_be_whole(text):
    """Keras asks once; with fewer it would cut all epochs."""
    whole = int(batches(PAIRS, text, **SMALL).cardinality())
    assert int(batches(PAIRS, text, first_batch=4, **SMALL).cardinality()) == whole > 4


def test_a_position_that_is_not_there_is_refused(text):
    epochs = Epochs(PAIRS, text, **SMALL)
    for first_batch in (-1, epochs.steps):
        with pytest.raises(UserError, match=f"first_batch: expected 0 to {epochs.steps - 1}.*got {first_batch}"):
            as_dataset(epochs, first_batch=first_batch)
        with pytest.raises(UserError, match="first_batch: expected"):
            epochs.epoch(0, first_batch)
    with pytest.raises(UserError, match="first_epoch: expected 0 or more, got -1"):
        batches(PAIRS, text, first_epoch=-1)


def test_a_dataset_serves_the_epochs(text):
    epochs = Epochs(PAIRS, text, **SMALL)
    served = arrays(as_dataset(epochs, first_epoch=2, first_batch=1))
    assert len(served) == epochs.steps - 1
    for got, (inputs, labels, weights) in zip(served, epochs.epoch(2, first_batch=1), strict=True):
        for part, expected in zip(got, (inputs["source"], inputs["target"], labels, weights), strict=True):
            np.testing.assert_array_equal(part, expected)


def test_target_tokens_are_those_of_each_batch_in_order(text):
    epochs = Epochs(PAIRS, text, **SMALL)
    for number in (0, 3):
        counted = [int(weights.sum()) for _, _, weights in epochs.epoch(number)]
        assert epochs.target_tokens(number).tolist() == counted
    assert len(counted) == epochs.steps == epochs.plan.steps


def test_plain_fit_learns(text):
    source = keras.Input([None], dtype="int32", name="source")
    target = keras.Input([None], dtype="int32", name="target")
    context = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(text.source.size, 8)(source))
    context = keras.layers.Dense(8)(context)
    hidden = keras.layers.Embedding(text.target.size, 8)(target)
    hidden = keras.layers.Add()([hidden, keras.ops.expand_dims(context, 1)])
    model = keras.Model([source, target], keras.layers.Dense(text.target.size)(hidden))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    dataset = batches(PAIRS, text, **SMALL)
    history = model.fit(dataset, epochs=3, verbose=0, shuffle=False, validation_data=batches(PAIRS, text)).history
    assert history["loss"][-1] < history["loss"][0]
    assert np.isfinite(history["val_loss"]).all()
    assert model.evaluate(dataset, verbose=0) < history["loss"][0]


def test_without_shuffling_the_corpus_order_stays(text):
    dataset = batches(PAIRS, text, tokens_per_batch=10_000, shapes=1, shuffle=False)
    assert sentences(arrays(dataset), text) == sentences(arrays(dataset), text) == PAIRS


def test_one_pair(text):
    ((source, target, labels, weights),) = arrays(batches(PAIRS[:1], text))
    assert source.shape[0] == 1
    assert sentences([(source, target, labels, weights)], text) == PAIRS[:1]


def test_a_pair_longer_than_the_tokens_of_a_batch(text):
    long = ("man " * 50, "two " * 60)
    got = arrays(batches([*PAIRS, long], text, tokens_per_batch=32))
    assert sorted(sentences(got, text)) == sorted([*PAIRS, long])
    assert max(labels.shape for _, _, labels, _ in got if labels.shape[1] > 32)[0] == 1


def test_an_empty_corpus_is_refused_with_the_reason(text, tmp_path):
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(UserError, match=r"at least one pair in .*empty\.tsv, got none; it is empty"):
        batches(read_pairs(tmp_path / "empty.tsv"), text)
    with pytest.raises(UserError, match="got none; all 60 have a side over the longest length"):
        batches(PAIRS, text, max_source_length=0)
    with pytest.raises(UserError, match="got none"):
        batches(EncodedPairs.encode([], text))


@pytest.mark.parametrize("given", [{"max_source_length": 5}, {"max_target_length": 5}, {"cache": "folder"}])
def test_what_is_encoded_already_has_its_limits(given, text):
    with pytest.raises(UserError, match=f"{next(iter(given))}: expected None for EncodedPairs"):
        batches(EncodedPairs.encode(PAIRS, text), **given)


def test_text_needs_a_tokenizer():
    with pytest.raises(UserError, match="text: expected a Tokenizer"):
        batches(PAIRS)


def test_longest_lengths_and_cache_reach_the_encoding(text, tmp_path, caplog):
    lengths = EncodedPairs.encode(PAIRS, text)
    limit = int(np.median(lengths.source_lengths))
    with caplog.at_level(logging.INFO, "keras_attn"):
        dataset = batches(PAIRS, text, max_source_length=limit, cache=tmp_path / "cache", **SMALL)
    kept = [pair for pair, length in zip(PAIRS, lengths.source_lengths, strict=True) if length <= limit]
    assert sorted(sentences(arrays(dataset), text)) == sorted(kept)
    assert (tmp_path / "cache").is_dir()
    assert f"{60 - len(kept)} of 60 pairs" in caplog.text
    assert "cells are padding" in caplog.text, "the plan is told"


def test_setting_a_seed_in_between_changes_nothing(text):
    first, second = (batches(PAIRS, text, seed=5, **SMALL) for _ in range(2))
    keras.utils.set_random_seed(99)
    taken = order(arrays(first))
    keras.utils.set_random_seed(1)
    assert taken == order(arrays(second))
