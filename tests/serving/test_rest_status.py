"""Status, metadata, health and metrics over HTTP."""

from __future__ import annotations

import json

import pytest

AVAILABLE = {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


@pytest.mark.parametrize("path", ["/v1/models/half", "/v1/models/half/versions/123"])
def test_status_of_a_model_and_of_a_version(client, path):
    assert client.get(path) == (200, {"model_version_status": [AVAILABLE]})


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/models/no", 404, "Could not find any versions of model no"),
        ("/v1/models/half/versions/1", 404, "Could not find version 1 of model half"),
        ("/v1/models/half/labels/x", 400, "Unrecognized servable version label: x"),
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/half/versions", 400, "Malformed request: GET /v1/models/half/versions"),
        ("/v1/models/no/metadata", 404, "Servable not found for request: Latest(no)"),
        ("/v1/models/half/versions/1/metadata", 404, "Servable not found for request: Specific(half, 1)"),
    ],
)
def test_what_there_is_not_has_no_status(client, path, status, words):
    came, answer = client.get(path)
    assert (came, answer) == (status, {"error": words})


def test_metadata_are_the_signatures(client):
    status, found = client.get("/v1/models/half/metadata")
    assert status == 200
    assert found["model_spec"] == {"name": "half", "signature_name": "", "version": "123"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert signatures["regress"]["method_name"] == "tensorflow/serving/regress"
    tag = signatures["several"]["inputs"]["tag"]
    assert tag["dtype"] == "DT_STRING"
    assert tag["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signatures["serving_default"]["inputs"]["x"]["tensor_shape"]["unknown_rank"] is True


def test_a_version_has_metadata_too(client):
    assert client.get("/v1/models/half/versions/123/metadata") == client.get("/v1/models/half/metadata")


def test_health(client):
    assert client.get("/healthz") == (200, {"ready": True})


def test_prometheus_reads_requests_under_tensorflow_servings_names(client):
    def page():
        lines = client.raw("GET", "/monitoring/prometheus/metrics")[1].decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    def grown(sample):
        return float(after[f":tensorflow:serving:{sample}"]) - float(before.get(f":tensorflow:serving:{sample}", 0))

    before = page()
    client.post("half:predict", {"instances": [1]})
    client.post("half:predict", {"instances": ["x"]})
    client.post("somebody-elses-model:predict", {"instances": [1]})
    after = page()
    assert grown('request_count{model_name="half",status="OK"}') == 1
    assert grown('request_count{model_name="half",status="INVALID_ARGUMENT"}') == 1
    assert not any("somebody" in sample for sample in after)
    assert grown('request_latency_count{API="predict",entrypoint="REST",model_name="half"}') == 1
    microseconds = grown('request_latency_sum{API="predict",entrypoint="REST",model_name="half"}')
    assert 10 < microseconds < 60e6
    assert grown('runtime_latency_count{API="Predict",model_name="half",runtime="TF1"}') == 1


def test_status_is_laid_out_as_tensorflow_serving_does(client):
    _, text = client.raw("GET", "/v1/models/half")
    assert text.decode() == json.dumps({"model_version_status": [AVAILABLE]}, indent=1)
