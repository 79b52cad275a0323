"""Warm-up requests that a model brings along."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_attn.errors import UserError
from keras_attn.serving import Options, Server
from keras_attn.serving.metrics import Metrics
from keras_attn.serving.servable import Servable
from keras_attn.serving.warmup import warm_up


def log(value):
    found = prediction_log_pb2.PredictionLog()
    found.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto(value))
    return found.SerializeToString()


def write(version, *records):
    (version / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(version / "assets.extra" / "tf_serving_warmup_requests")) as file:
        for record in records:
            file.write(record)


def test_the_requests_are_answered_before_the_version_is_available(base):
    write(base / "1", log([1.0]), log([1.0, 2.0]))
    servable, ran = Servable("half", 1, base / "1"), []
    run = servable.run
    servable.run = lambda name, inputs, *more: (ran.append(inputs["x"].tolist()), run(name, inputs, *more))[1]
    assert warm_up(servable, Metrics()) == 2
    assert ran == [[1.0], [1.0, 2.0]]
    servable.retire()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([log(["x"])], r"Expects arg\[0\] to be float32 but string is provided"),
        ([b"\xff\xff"], "Failed to parse warmup record"),
        ([prediction_log_pb2.PredictionLog().SerializeToString()], "Unsupported log_type for warmup"),
    ],
)
def test_a_request_that_fails_fails_the_load(base, tmp_path, records, words):
    write(base / "1", *records)
    options = {"folder": base, "port": 0, "rest_api_port": 0, "grpc_socket_path": str(tmp_path / "socket")}
    with pytest.raises(UserError, match=words):
        Server(Options(**options)).start()
    server = Server(Options(**options, enable_model_warmup=False))
    with server:
        assert server.manager.ready


def test_a_file_that_holds_no_records_fails_the_load(base, tmp_path):
    (base / "1" / "assets.extra").mkdir()
    (base / "1" / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"x" * 100)
    server = Server(Options(folder=base, port=0, rest_api_port=0, grpc_socket_path=str(tmp_path / "socket")))
    with pytest.raises(UserError, match="Please verify your warmup data is in TFRecord format"):
        server.start()
