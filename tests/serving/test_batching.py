"""Batching: requests that arrive together run together, and each gets its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from keras_attn.errors import UserError
from keras_attn.serving.batching import Batching
from keras_attn.serving.servable import Servable


@pytest.fixture
def batched(half_path):
    """The model with batches of 4 rows, which wait a minute to be full."""
    batching = Batching(max_batch_size=4, batch_timeout_micros=60_000_000, num_batch_threads=1)
    servable = Servable("half", 123, half_path / "00000123", batching=batching)
    yield servable
    servable.retire()


def together(servable, signature, inputs, outputs):
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(lambda one: servable.run(signature, one, outputs), inputs))


def test_requests_run_as_one_batch(batched):
    found = together(batched, "rows", [{"x": np.float32([number])} for number in range(4)], ["x", "rows"])
    assert [one["x"].tolist() for one in found] == [[0.0], [1.0], [2.0], [3.0]]
    assert [one["rows"].tolist() for one in found] == [[4]] * 4


def test_a_batch_has_tables_variables_and_several_tensors(batched):
    inputs = [{"text": np.array(words, object)} for words in ([b"a", b"b"], [b"c"], [b"a"])]
    found = together(batched, "strings", inputs, ["name", "text"])
    assert [one["name"].tolist() for one in found] == [[b"the first", b"unknown"], [b"unknown"], [b"the first"]]
    assert [one["text"].tolist() for one in found] == [[b"a", b"b"], [b"c"], [b"a"]]


def test_rows_that_do_not_fit_together_run_alone(batched):
    found = together(batched, "", [{"x": np.zeros((2, 3), np.float32)}, {"x": np.zeros((2, 5), np.float32)}], ["y"])
    assert [one["y"].shape for one in found] == [(2, 3), (2, 5)]


def test_a_bad_request_does_not_harm_its_neighbors(batched):
    good = tf.train.Example(
        features=tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0]))})
    ).SerializeToString()

    def run(examples):
        try:
            return batched.run("regress", {"inputs": np.array(examples, object)}, ["outputs"])["outputs"].tolist()
        except tf.errors.InvalidArgumentError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        fine, bad = pool.map(run, [[good, good], [good, b"no example"]])
    assert fine == [[2.5], [2.5]]
    assert "Could not parse example input" in bad


def test_what_has_no_rows_runs_alone(batched):
    assert batched.run("", {"x": np.float32(1)}, ["y"])["y"] == 2.5
    assert batched.run("total", {"x": np.float32([1, 2, 3, 4])}, ["total"])["total"] == 10


def test_more_rows_than_a_batch_holds_are_refused(batched):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Task size 5 is larger than maximum input batch size 4"):
        batched.run("", {"x": np.zeros(5, np.float32)}, ["y"])


def test_a_graph_of_tensorflow_1_with_reference_variables(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None])
        a = tf.compat.v1.get_variable("a", initializer=0.5, use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": a * x + 2.0})
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "1"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    batching = Batching(max_batch_size=2, batch_timeout_micros=60_000_000)
    servable = Servable("half", 1, tmp_path / "1", batching=batching)
    found = together(servable, "", [{"x": np.float32([1])}, {"x": np.float32([2])}], ["y"])
    assert [one["y"].tolist() for one in found] == [[2.5], [3.0]]
    servable.retire()


def test_parameters_are_read_from_a_file(tmp_path):
    path = tmp_path / "batching.pbtxt"
    path.write_text(
        "max_batch_size { value: 128 }\nbatch_timeout_micros { value: 2000 }\n"
        "allowed_batch_sizes: 32\nallowed_batch_sizes: 128\npad_variable_length_inputs: true\n"
    )
    found = Batching.read(path)
    assert (found.max_batch_size, found.batch_timeout_micros, found.allowed_batch_sizes) == (128, 2000, (32, 128))
    assert found.max_enqueued_batches == Batching().max_enqueued_batches


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_batch { value: 1 }", "expected a BatchingParameters in protobuf's text format"),
        ("max_batch_size { value: 0 }", "max_batch_size: expected at least 1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros: expected at least 0"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: 2", "expected rising sizes that end with max_batch_size"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(tmp_path, text, words):
    (tmp_path / "file").write_text(text)
    with pytest.raises(UserError, match=words):
        Batching.read(tmp_path / "file")


def test_a_server_reads_the_file_in_the_folder_of_a_version(serve, base):
    (base / "1" / "batching_params.pbtxt").write_text("max_batch_size { value: 2 }")
    _, client = serve(folder=base, enable_batching=True, enable_per_model_batching_parameters=True)
    assert client.post("half:predict", {"instances": [1, 2]}) == (200, {"predictions": [2.5, 3.0]})
    error = client.error("half:predict", {"instances": [1, 2, 3]})
    assert error.startswith("Task size 3 is larger than maximum input batch size 2")


def test_what_finds_the_queue_full_is_told_to_come_again(serve, half_path, tmp_path):
    (tmp_path / "few").write_text(
        "max_batch_size { value: 1 } max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }"
    )
    _, client = serve(folder=half_path, enable_batching=True, batching_parameters_file=str(tmp_path / "few"))
    slow = {"signature_name": "slow", "instances": [20_000]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("half:predict", slow), range(8)))
    assert {status for status, _ in answers} == {200, 503}
    refused = {answer["error"] for status, answer in answers if status == 503}
    (words,) = {words.partition(";")[0] for words in refused}
    assert words == "The batch scheduling queue to which this task was submitted is full"
    assert client.post("half:predict", slow) == (200, {"predictions": [20_000]})
