"""Predict over REST: every form of request and reply in TensorFlow Serving's documentation of it."""

from __future__ import annotations

import base64
import json
import math

import pytest

PREDICT = "half:predict"


def b64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def test_rows_of_the_only_input(client):
    assert client.post(PREDICT, {"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_rows_of_lists(client):
    assert client.post(PREDICT, {"instances": [[[1, 2]], [[3, 4]]]}) == (
        200,
        {"predictions": [[[2.5, 3.0]], [[3.5, 4.0]]]},
    )


def test_rows_that_name_the_only_input(client):
    assert client.post(PREDICT, {"instances": [{"x": 1}, {"x": 2}]}) == (200, {"predictions": [2.5, 3.0]})


ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]
ROWS_OUT = [
    {"tag": "foo!", "signal": [2, 4, 6, 8, 10], "sensor": [[2, 3], [4, 5]]},
    {"tag": "bar!", "signal": [6, 8, 2, 4, 10], "sensor": [[5, 6], [7, 9]]},
]


def columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_rows_of_several_inputs_and_outputs(client):
    request = {"signature_name": "several", "instances": ROWS}
    assert client.post(PREDICT, request) == (200, {"predictions": ROWS_OUT})


def test_columns_of_several_inputs_and_outputs(client):
    request = {"signature_name": "several", "inputs": columns(ROWS)}
    assert client.post(PREDICT, request) == (200, {"outputs": columns(ROWS_OUT)})


@pytest.mark.parametrize("inputs", [[1.0, 2.0], {"x": [1.0, 2.0]}])
def test_column_of_the_only_input(client, inputs):
    assert client.post(PREDICT, {"inputs": inputs}) == (200, {"outputs": [2.5, 3.0]})


def test_a_column_may_be_one_value(client):
    assert client.post(PREDICT, {"inputs": 3.0}) == (200, {"outputs": 3.5})


def test_a_column_reply_needs_no_rows(client):
    assert client.post(PREDICT, {"signature_name": "total", "inputs": [1, 2, 3]}) == (200, {"outputs": 6.0})
    error = client.error(PREDICT, {"signature_name": "total", "instances": [1, 2, 3]})
    assert error == "Tensor name: total has no shape information "


def test_bytes_go_in_as_base64_and_come_out_so_where_the_name_ends_in_bytes(client):
    request = {"signature_name": "strings", "instances": [b64(b"a"), {"text": "b"}]}
    assert "Expecting value/list but got object" in client.error(PREDICT, request)
    request = {"signature_name": "strings", "instances": [b64(b"a"), "é"]}
    rows = [
        {"text": "a", "raw_bytes": b64(b"a"), "name": "the first"},
        {"text": "é", "raw_bytes": b64("é".encode()), "name": "unknown"},
    ]
    assert client.post(PREDICT, request) == (200, {"predictions": rows})
    request = {"signature_name": "strings", "inputs": {"text": [b64(b"\xff\x00")]}}
    answer = client.post(PREDICT, request)[1]["outputs"]
    assert answer["raw_bytes"] == [b64(b"\xff\x00")]
    assert answer["text"] == ["\ufffd\x00"]  # what is no text


@pytest.mark.parametrize("unpadded", ["YWI", "YWI="])
def test_base64_may_go_without_padding(client, unpadded):
    request = {"signature_name": "strings", "inputs": [{"b64": unpadded}]}
    assert client.post(PREDICT, request)[1]["outputs"]["text"] == ["ab"]


def test_numbers_that_json_has_no_word_for(client):
    body = b'{"instances": [NaN, Infinity, -Infinity]}'
    status, text = client.raw("POST", "/v1/models/half:predict", body)
    assert status == 200
    values = json.loads(text)["predictions"]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("bool", [True, False]),
        ("int8", [-128, 127]),
        ("uint8", [0, 255]),
        ("int16", [-(2**15), 2**15 - 1]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("uint32", [0, 2**32 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint64", [0, 2**64 - 1]),
        ("float32", [0.2, 1e30, 9000000.0, 3e-05, -0.0, 1]),
        ("float64", [0.1, 1e300, 2**53 - 1]),
    ],
)
def test_every_type_goes_in_and_out_unchanged(client, dtype, values):
    request = {"signature_name": dtype, "instances": values}
    assert client.post(PREDICT, request) == (200, {"predictions": values})


def test_decimals_have_a_point_and_no_digits_of_rounding(client):
    _, text = client.raw("POST", "/v1/models/half:predict", b'{"signature_name": "float32", "inputs": [0.2, 3]}')
    assert text.split() == [b"{", b'"outputs":', b"[", b"0.2,", b"3.0", b"]", b"}"]


def test_a_version_may_be_named_and_case_does_not_matter(client):
    request = {"instances": [1]}
    assert client.post("half/versions/123:predict", request) == (200, {"predictions": [2.5]})
    status, text = client.raw("POST", "/V1/Models/half/Versions/123:Predict", json.dumps(request).encode())
    assert (status, json.loads(text)) == (200, {"predictions": [2.5]})


def test_a_classification_can_be_predicted_too(client):
    from tensorflow.train import Example, Feature, Features, FloatList

    example = Example(features=Features(feature={"x": Feature(float_list=FloatList(value=[2.0]))}))
    request = {"signature_name": "regress", "instances": [b64(example.SerializeToString())]}
    assert client.post(PREDICT, request) == (200, {"predictions": [[3.0]]})


def test_no_rows_are_an_error_and_an_empty_column_is_not(client):
    assert client.post(PREDICT, {"inputs": []}) == (200, {"outputs": []})
    assert "No values in 'instances' array" in client.error(PREDICT, {"instances": []})


def test_a_body_may_come_compressed(client):
    import gzip

    body = gzip.compress(b'{"instances": [1]}')
    status, text = client.raw("POST", "/v1/models/half:predict", body, {"Content-Encoding": "gzip"})
    assert (status, json.loads(text)) == (200, {"predictions": [2.5]})


def test_replies_are_json_and_other_origins_may_ask(client):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", client.rest_port)
    connection.request("POST", "/v1/models/half:predict", b'{"instances": [1]}')
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("Access-Control-Allow-Origin") == "*"
    response.read()
    connection.request("OPTIONS", "/v1/models/half:predict")  # the connection is still there
    response = connection.getresponse()
    assert (response.status, response.getheader("Access-Control-Allow-Methods")) == (200, "POST, GET")
    connection.close()
