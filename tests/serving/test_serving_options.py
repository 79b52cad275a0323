"""The flags: TensorFlow Serving's names and forms, and what they do."""

from __future__ import annotations

import socket
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from keras_attn.errors import UserError
from keras_attn.parse import parse
from keras_attn.serving import Options
from keras_attn.serving.options import as_flags


def flags(*arguments):
    return parse(Options, as_flags(arguments), "keras-attn serve")


def test_a_script_for_tensorflow_serving_starts_this():
    found = flags(
        *("--port=8500", "--rest_api_port=8501", "--grpc_socket_path=/tmp/s", "--model_name=half"),
        *("--model_base_path=/models/half", "--model_config_file=/models/models.config"),
        *("--model_config_file_poll_wait_seconds=60", "--file_system_poll_wait_seconds=5", "--enable_batching=true"),
        *(
            "--batching_parameters_file=/b",
            "--monitoring_config_file=/m",
            "--allow_version_labels_for_unavailable_models",
        ),
        *(
            "--grpc_channel_arguments=grpc.max_concurrent_streams=5,grpc.primary_user_agent=me",
            "--enable_model_warmup=0",
        ),
    )
    assert (found.port, found.model_name, found.model_base_path) == (8500, "half", "/models/half")
    assert (found.enable_batching, found.allow_version_labels_for_unavailable_models) == (True, True)
    assert found.enable_model_warmup is False
    assert found.model_config_file_poll_wait_seconds == 60
    assert found.grpc_options == [("grpc.max_concurrent_streams", 5), ("grpc.primary_user_agent", "me")]


def test_a_folder_comes_first_and_only_this_machine_is_let_in():
    found = flags("saved_models/dates", "--enable_batching=false")
    assert (found.folder, found.host, found.enable_batching) == (Path("saved_models/dates"), "127.0.0.1", False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "DIR: expected a folder"),
        (["x", "--port=70000"], "--port: expected a port"),
        (["x", "--port=8501"], "--rest_api_port: cannot be same as --port"),
        (["x", "--port=0", "--rest_api_port=0"], "--port: expected one of"),
        (["x", "--batching_parameters_file=y"], "supplied without --enable_batching"),
        (["x", "--max_body_bytes=0"], "--max_body_bytes: expected more than 0"),
        (["x", "--enable_batchin"], "Unrecognized"),
    ],
)
def test_flags_that_make_no_sense_are_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        flags(*arguments)


def test_channel_arguments_are_pairs():
    with pytest.raises(UserError, match="--grpc_channel_arguments: expected key=value"):
        _ = Options(folder=Path("x"), grpc_channel_arguments="a").grpc_options


def test_a_socket_of_a_file_serves_grpc(serve, base, tmp_path):
    serve(model_base_path=str(base), grpc_socket_path=str(tmp_path / "socket"), port=0, rest_api_port=0)
    with grpc.insecure_channel(f"unix:{tmp_path / 'socket'}") as channel:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "default"  # what a model without a name is called
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
        response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
    assert tf.make_ndarray(response.outputs["y"]).tolist() == [2.5]


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_port_that_is_taken_is_said(serve, base, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match=f"--{flag}.*cannot listen"):
        serve(folder=base, **{flag: taken.getsockname()[1]})


def test_a_file_says_whether_and_where_prometheus_reads(serve, base, tmp_path):
    path = tmp_path / "monitoring.config"
    path.write_text('prometheus_config { enable: true path: "/metrics" }')
    _, client = serve(folder=base, monitoring_config_file=str(path))
    assert client.raw("GET", "/metrics")[0] == 200
    assert client.raw("GET", "/monitoring/prometheus/metrics")[0] == 404
    path.write_text("prometheus_config { enable: false }")
    _, client = serve(folder=base, monitoring_config_file=str(path))
    assert client.raw("GET", "/monitoring/prometheus/metrics")[0] == 404


def test_a_rest_request_has_a_time_limit(serve, half_path):
    _, client = serve(folder=half_path, rest_api_timeout_in_ms=300)
    error = client.error("half:predict", {"signature_name": "slow", "instances": [10**6]}, 504)
    assert "imed out" in error or "deadline" in error.lower()
    assert client.post("half:predict", {"instances": [1]})[0] == 200


def test_a_body_that_does_not_come_has_one_too(serve, base):
    _, client = serve(folder=base, rest_api_timeout_in_ms=200)
    with socket.create_connection(("127.0.0.1", client.rest_port)) as one:
        one.sendall(b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert b" 408 " in one.recv(1000)


def test_channel_arguments_reach_the_server(serve, base):
    _, client = serve(folder=base, grpc_channel_arguments="grpc.max_receive_message_length=1000")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "half"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0] * 100))
    assert len(client.predictions.Predict(request).outputs["y"].tensor_content) == 400
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0] * 300))
    with pytest.raises(grpc.RpcError) as caught:
        client.predictions.Predict(request)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_batching_parameters_are_those_of_the_file(serve, base, tmp_path):
    (tmp_path / "batching").write_text("max_batch_size { value: 2 }")
    _, client = serve(folder=base, enable_batching=True, batching_parameters_file=str(tmp_path / "batching"))
    assert client.post("half:predict", {"instances": [1, 2]}) == (200, {"predictions": [2.5, 3.0]})
    error = client.error("half:predict", {"instances": [1, 2, 3]})
    assert error.startswith("Task size 3 is larger than maximum input batch size 2")


@pytest.mark.parametrize("where", ["folder", "model_base_path"])
def test_a_model_is_served_under_the_name_it_is_given(serve, base, where):
    _, client = serve(**{where: base if where == "folder" else str(base)}, model_name="other")
    assert client.post("other:predict", {"instances": [1]}) == (200, {"predictions": [2.5]})
    assert client.error("half:predict", {"instances": [1]}, 404) == "Servable not found for request: Latest(half)"
