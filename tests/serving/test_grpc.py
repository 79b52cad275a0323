"""PredictionService and ModelService over gRPC, with TensorFlow Serving's own stubs."""

from __future__ import annotations

import json
import shutil
import subprocess

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

HALF = model_pb2.ModelSpec(name="half")


def spec(signature="", **which):
    return model_pb2.ModelSpec(name="half", signature_name=signature, **which)


def predict(client, inputs, model_spec=HALF, output_filter=(), timeout=20):
    request = predict_pb2.PredictRequest(model_spec=model_spec, output_filter=output_filter)
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(value if isinstance(value, tf.make_tensor_proto(0).__class__) else proto(value))
    return client.predictions.Predict(request, timeout=timeout)


def proto(value, dtype=None):
    return tf.make_tensor_proto(value, dtype)


def fails(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


@pytest.mark.parametrize("signature", ["several", "strings", "float32", "int64", "bool"])
def test_grpc_and_rest_give_the_same(client, signature):
    inputs = {
        "several": {"tag": ["a"], "signal": [[0.1, 1 / 3, 3.0, 4.0, 5.0]], "sensor": [[[1, 2], [3, 4]]]},
        "strings": {"text": ["a", "中"]},
        "float32": {"x": [0.1, 1e-30, 3.0]},
        "int64": {"x": [-(2**63), 5]},
        "bool": {"x": [True, False]},
    }[signature]
    dtypes = {"signal": tf.float32, "x": signature, "sensor": tf.int32}
    response = predict(client, {key: proto(value, dtypes.get(key)) for key, value in inputs.items()}, spec(signature))
    assert response.model_spec == spec(signature, version={"value": 123})
    status, answer = client.post("half:predict", {"signature_name": signature, "inputs": inputs})
    assert status == 200
    outputs = answer["outputs"] if isinstance(answer["outputs"], dict) else {"x": answer["outputs"]}
    assert outputs.keys() == response.outputs.keys()
    for name in outputs.keys() - {"raw_bytes"}:
        array = tf.make_ndarray(response.outputs[name])
        rest = np.array(outputs[name], object if array.dtype == object else array.dtype)
        if array.dtype == object:
            array = np.vectorize(bytes.decode)(array)
        assert array.tolist() == rest.tolist()


def test_the_default_signature_is_named_in_the_response(client):
    response = predict(client, {"x": proto([1.0])})
    assert response.model_spec.signature_name == "serving_default"
    assert tf.make_ndarray(response.outputs["y"]).tolist() == [2.5]


def test_an_output_filter_chooses(client):
    response = predict(client, {"text": ["a"]}, spec("strings"), ["name"])
    assert list(response.outputs) == ["name"]
    code, words = fails(lambda: predict(client, {"text": ["a"]}, spec("strings"), ["name", "nom"]))
    assert (code, words) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: nom Outputs expected to be in the set {name,raw_bytes,text}.",
    )
    assert fails(lambda: predict(client, {"text": ["a"]}, spec("strings"), ["name", "name"])) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: name",
    )


@pytest.mark.parametrize(
    ("inputs", "which", "code", "words"),
    [
        ({"x": [1.0]}, model_pb2.ModelSpec(name="no"), "NOT_FOUND", "Servable not found for request: Latest(no)"),
        ({"x": [1.0]}, spec(version={"value": 1}), "NOT_FOUND", "Servable not found for request: Specific(half, 1)"),
        ({"x": [1.0]}, spec(version_label="x"), "INVALID_ARGUMENT", "Unrecognized servable version label: x"),
        ({"x": [1.0]}, spec("no"), "FAILED_PRECONDITION", 'Serving signature key "no" not found.'),
        ({"x": ["a"]}, HALF, "INVALID_ARGUMENT", "Expects arg[0] to be float32 but string is provided"),
        ({"x": [1]}, HALF, "INVALID_ARGUMENT", "Expects arg[0] to be float32 but int32 is provided"),
        ({"text": [["a"]]}, spec("strings"), "INVALID_ARGUMENT", "Input 'text' must have shape [?], got [1,1]"),
        (
            {"z": [1.0]},
            HALF,
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=1 len({z}) != len({x}). Sent extra: {z}.",
        ),
        ({}, HALF, "INVALID_ARGUMENT", "Sent extra: {}. Missing but required: {x}."),
    ],
)
def test_a_wrong_predict_request_is_told_why(client, inputs, which, code, words):
    came, details = fails(lambda: predict(client, inputs, which))
    assert came == code
    assert words in details


@pytest.mark.parametrize(
    "text",
    [
        "dtype: DT_FLOAT tensor_shape { dim { size: 100000000000 } } float_val: 1",
        "dtype: DT_FLOAT tensor_shape { dim { size: 262145 } } float_val: 1",  # 1 MiB is the limit here, this is more
        "dtype: DT_FLOAT tensor_shape { dim { size: -1 } } float_val: 1",
        "dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: 'abc'",
        "dtype: DT_FLOAT tensor_shape { dim { size: 1 } } float_val: 1 float_val: 2",
        "dtype: DT_FLOAT tensor_shape { unknown_rank: true } float_val: 1",
        "dtype: DT_RESOURCE tensor_shape { }",
    ],
)
def test_a_tensor_that_contradicts_itself_is_an_invalid_argument(client, text):
    tensor = text_format.Parse(text, proto(0).__class__())
    code, details = fails(lambda: predict(client, {"x": tensor}))
    assert code == "INVALID_ARGUMENT"
    assert details.startswith("tensor parsing error: x")


def test_a_value_may_be_said_to_fill_a_tensor(client):
    tensor = text_format.Parse(
        "dtype: DT_FLOAT tensor_shape { dim { size: 10000 } } float_val: 1", proto(0).__class__()
    )
    assert tf.make_ndarray(predict(client, {"x": tensor}).outputs["y"]).tolist() == [2.5] * 10_000


def test_requests_name_a_model(client):
    assert fails(lambda: client.predictions.Predict(predict_pb2.PredictRequest())) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )
    assert fails(lambda: client.models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )


def examples(*values):
    given = inference_pb2.MultiInferenceRequest().input
    for value in values:
        given.example_list.examples.add().features.feature["x"].float_list.value.append(value)
    return given


def test_classify_and_regress(client):
    request = regression_pb2.RegressionRequest(model_spec=spec("regress"), input=examples(1, 2))
    response = client.predictions.Regress(request)
    assert [one.value for one in response.result.regressions] == [2.5, 3.0]
    assert response.model_spec == spec("regress", version={"value": 123})
    request = classification_pb2.ClassificationRequest(model_spec=spec("classify"), input=examples(1))
    response = client.predictions.Classify(request)
    (row,) = response.result.classifications
    assert [(one.label, one.score) for one in row.classes] == [("up", 2.5), ("down", -2.5)]
    request.input.Clear()
    assert fails(lambda: client.predictions.Classify(request)) == ("INVALID_ARGUMENT", "Input is empty.")


def test_several_signatures_over_the_same_examples(client):
    request = inference_pb2.MultiInferenceRequest(input=examples(1))
    request.tasks.add(model_spec=spec("regress"), method_name="tensorflow/serving/regress")
    request.tasks.add(model_spec=spec("classify"), method_name="tensorflow/serving/classify")
    first, second = client.predictions.MultiInference(request).results
    assert first.regression_result.regressions[0].value == 2.5
    assert second.classification_result.classifications[0].classes[0].label == "up"
    request.tasks.add(model_spec=spec("regress"), method_name="tensorflow/serving/regress")
    assert fails(lambda: client.predictions.MultiInference(request))[1] == "Duplicate evaluation of signature: regress"


def test_status_and_metadata_are_those_of_rest(client):
    response = client.models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=HALF))
    (one,) = response.model_version_status
    assert (one.version, one.state, one.status.error_code) == (123, one.AVAILABLE, 0)
    request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=HALF, metadata_field=["signature_def"])
    response = client.predictions.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    rest = client.get("/v1/models/half/metadata")[1]["metadata"]["signature_def"]["signature_def"]
    assert signatures.signature_def.keys() == rest.keys()
    del request.metadata_field[:]
    assert fails(lambda: client.predictions.GetModelMetadata(request)) == (
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    request.metadata_field.append("color")
    assert "Metadata field color is not supported" in fails(lambda: client.predictions.GetModelMetadata(request))[1]


def test_a_deadline_ends_a_run(client):
    inputs = {"steps": proto([10**6], tf.int64)}
    code, _ = fails(lambda: predict(client, inputs, spec("slow"), timeout=0.3))
    assert code == "DEADLINE_EXCEEDED"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_curl_and_grpc_give_the_same(client):
    url = f"http://127.0.0.1:{client.rest_port}/v1/models/half:predict"
    command = ["curl", "-sS", "-d", '{"instances": [0.1, 3.0, NaN]}', url]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    outputs = tf.make_ndarray(predict(client, {"x": [0.1, 3.0, float("nan")]}).outputs["y"])
    np.testing.assert_array_equal(np.array(answer["predictions"], "float32"), outputs)


def test_a_reload_that_lists_nothing_or_nonsense_changes_nothing(client):
    request = model_management_pb2.ReloadConfigRequest()
    code, words = fails(lambda: client.models.HandleReloadConfigRequest(request))
    assert code == "INVALID_ARGUMENT"
    assert "Only ModelConfigList is currently supported" in words
    for _ in range(2):
        request.config.model_config_list.config.add(name="half", base_path="/", model_platform="tensorflow")
    code, words = fails(lambda: client.models.HandleReloadConfigRequest(request))
    assert (code, words) == ("INVALID_ARGUMENT", "Illegal to list model half multiple times in config list")
    assert client.post("half:predict", {"instances": [1]})[0] == 200


def test_health(client):
    stub = health_pb2_grpc.HealthStub(client.channel)
    assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING


def test_a_message_has_a_limit(client):
    code, _ = fails(lambda: predict(client, {"x": np.zeros(2**19, np.float32)}))
    assert code == "RESOURCE_EXHAUSTED"


def test_while_it_stops_calls_are_refused_and_health_is_told(served):
    server, client = served
    (listener,) = [one for one in server._listeners if hasattr(one, "_door")]
    listener._door.closed = True
    assert fails(lambda: predict(client, {"x": proto([1.0])})) == ("UNAVAILABLE", "The server is shutting down")
    listener._health.enter_graceful_shutdown()
    stub = health_pb2_grpc.HealthStub(client.channel)
    assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.NOT_SERVING
