"""What a client gets wrong over REST: TensorFlow Serving's codes and words, and never a fault of the server."""

from __future__ import annotations

import json
import socket
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PREDICT = "half:predict"
SEVERAL = {"tag": ["a"], "signal": [[1, 2, 3, 4, 5]], "sensor": [[[1, 2], [3, 4]]]}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b'{"instances": [1, 2}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 19"),
        (b'{"instances" = [1, 2]}', "JSON Parse error: Missing a colon after a name of object member. at offset: 13"),
        (b'{"instances": x}', "JSON Parse error: Invalid value. at offset: 14"),
        (b'{"instances": [1]} x', "The document root must not be followed by other values. at offset: 19"),
        (b'{"instances": ["\xff"]}', "JSON Parse error: Invalid encoding in string. at offset: 16"),
        (b'{"instances": ["\n"]}', "JSON Parse error: Invalid encoding in string."),
        (b'{"signature_name": "\\ud800", "inputs": [1]}', "The surrogate pair in string is invalid. at offset: 20"),
        (b'{"inputs": ["\\ud83d\\ude00 \\\\ud800 \\udc00"]}', "surrogate pair in string is invalid. at offset: 34"),
        (b"[" * 100_000, "JSON Parse error:"),
        (b'{"inputs": ' + b"[" * 40 + b"]" * 40 + b"}", "Lists are nested deeper than 32 levels"),
        (b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}", "Lists are nested deeper than 32 levels"),
        (b'{"inputs": [1, ' + b"[" * 900 + b"]" * 900 + b"]}", "Encountered list at unexpected level: 1"),
        (b'{"inputs": [' + b'{"x":' * 900 + b"1" + b"}" * 901 + b"]}", "JSON Parse error"),
        (b'{"inputs": [' + b'{"x":' * 900 + b"1" + b"}" * 900 + b"]}", "is not of expected type: float"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "JSON Parse error: Number too big"),
        (b'{"instances": [1.0, -1e400]}', "JSON Parse error: Number too big to be stored in double."),
        (b'{"instances": [' + b"9" * 400 + b".5]}", "JSON Parse error: Number too big to be stored in double."),
        ([1, 2], "JSON Value: [\n    1,\n    2\n] Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"signature_name": 100, "instances": [1]}, "'signature_name' key must be a string value."),
        ({"signature_name": "x", "instances": [1]}, 'Serving signature name: "x" not found in signature def'),
        ({"instances": [1], "inputs": [1]}, "expecting only one of 'inputs' or 'instances' keys to exist"),
        ({"instances": 1}, "Excepting 'instances' to be an list/array"),
        ({"instances": ["x"]}, 'JSON Value: "x" Type: String is not of expected type: float'),
        ({"instances": [True]}, "JSON Value: true Type: True is not of expected type: float"),
        ({"instances": [None]}, "JSON Value: null Type: Null is not of expected type: float"),
        ({"inputs": [{"b64": "AA=="}]}, "is not of expected type: float"),
        ({"instances": [[1, 2], [3]]}, "Expecting tensor size: 2 but got: 1"),
        ({"instances": [[[1, 2]], [[1], [2]]]}, "Expecting shape [1,2] but got: [2,1]"),
        ({"inputs": [[1, 2], [3]]}, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ({"inputs": [[1, 2], 3]}, "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ({"inputs": [1, [2]]}, "Encountered list at unexpected level: 1 expected < 1"),
        ({"instances": [1, {"x": 1}]}, "Expecting value/list but got object at item 1 of input list"),
        ({"instances": [{"x": 1}, 1]}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [{"z": 1}]}, "JSON object: does not have named input: z"),
        ({"instances": [{}]}, "keys must be equal to: x"),
        ({"inputs": {"z": 1}}, "Missing named input: x in 'inputs' object."),
        ({"inputs": [2**24 + 1]}, "Cannot convert JSON value: 16777217 to float without loss of precision."),
        ({"inputs": [1e39]}, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ({"signature_name": "int32", "inputs": [1.0]}, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ({"signature_name": "int8", "inputs": [128]}, "is not of expected type: int8"),
        ({"signature_name": "uint64", "inputs": [-1]}, "is not of expected type: uint64"),
        ({"signature_name": "bool", "inputs": [1]}, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ({"signature_name": "strings", "inputs": [1]}, "is not of expected type: string"),
        ({"signature_name": "strings", "inputs": [{"b64": "?"}]}, "Unable to base64 decode"),
        ({"signature_name": "strings", "inputs": [{"b64": 1}]}, "not formatted correctly for base64 data"),
        ({"signature_name": "several", "instances": [1]}, "expecting list of objects as multiple input tensors"),
        ({"signature_name": "several", "inputs": [1]}, "expecting an object as multiple input tensors"),
        ({"signature_name": "several", "inputs": {**SEVERAL, "signal": [[1, 2]]}}, "must have shape [?,5], got [1,2]"),
        (
            {"signature_name": "uneven", "instances": [1, 2]},
            "Tensor name: x has inconsistent batch size: 2 expecting: 1",
        ),
        ({"inputs": [0.0] * 10_001}, "The request has 10001 rows, the limit is 10000 (--max_rows)"),
    ],
)
def test_a_wrong_predict_request_is_told_why(client, request_, words):
    assert words in client.error(PREDICT, request_)


def test_an_error_of_a_row_says_which_row(client):
    error = client.error(PREDICT, {"instances": [{"x": 1}, {"x": "y"}]})
    assert error.startswith("Failed to process element: 1 key: x of 'instances' list. Error: INVALID_ARGUMENT: JSON")


def test_types_that_json_has_no_form_for_are_not_implemented(client):
    error = client.error(PREDICT, {"signature_name": "float16", "inputs": [1.0]}, 501)
    assert error == "Conversion of JSON Value: 1.0 to type: float16"


def test_what_the_graph_says_is_passed_on_without_python(client):
    error = client.error(PREDICT, {"signature_name": "regress", "inputs": ["no example"]})
    assert "Could not parse example input" in error
    assert "File " not in error


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("other:predict", 404, "Servable not found for request: Latest(other)"),
        ("half/versions/7:predict", 404, "Servable not found for request: Specific(half, 7)"),
        ("half/labels/canary:predict", 400, "Unrecognized servable version label: canary"),
        (
            "half/versions/9223372036854775808:predict",
            400,
            "Failed to convert version: 9223372036854775808 to numeric",
        ),
        ("half/versions/x:predict", 400, "Malformed request: POST /v1/models/half/versions/x:predict"),
        ("half:explain", 400, "Malformed request: POST /v1/models/half:explain"),
        ("half", 400, "Malformed request: POST /v1/models/half"),
        ("half:predict/", 400, "Malformed request"),
        ("half/versions/123/labels/a:predict", 400, "Malformed request"),
        ("../../etc/passwd:predict", 400, "Malformed request"),
        ("..%2f..%2fetc%2fpasswd:predict", 404, "Servable not found for request: Latest(../../etc/passwd)"),
        ("%00:predict", 404, "Servable not found"),
        ("%ff:predict", 400, "Failed to decode model name:%ff"),
        ("half%3Apredict", 400, "Malformed request"),
        ("ha%6cf:predict", 400, "Missing 'inputs' or 'instances' key"),
    ],
)
def test_a_wrong_path_finds_nothing(client, path, status, words):
    assert words in client.error(path, {}, status)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_other_methods_are_malformed(client, method):
    status, text = client.raw(method, "/v1/models/half:predict", b"{}")
    assert (status, json.loads(text)) == (400, {"error": f"Malformed request: {method} /v1/models/half:predict"})


@pytest.mark.parametrize("path", ["/index.html", "/v2/models/half", "/etc/passwd", "/v1"])
def test_what_is_not_of_the_api_is_not_found(client, path):
    assert client.get(path) == (404, {"error": "Not Found"})


def test_a_body_has_a_limit_packed_or_not(client):
    words = "The body of the request is larger than 1048576 bytes (--max_body_bytes)"
    assert client.error(PREDICT, b" " * (2**20 + 1), 413) == words
    packed = zlib.compressobj(wbits=31)
    bomb = packed.compress(b" " * 2**25) + packed.flush()
    status, text = client.raw("POST", "/v1/models/half:predict", bomb, {"Content-Encoding": "gzip"})
    assert (status, json.loads(text)) == (413, {"error": words})
    status, text = client.raw("POST", "/v1/models/half:predict", b"{}", {"Content-Encoding": "gzip"})
    assert status == 400
    chunked = (b" " * 2**19 for _ in range(3))
    status, text = client.raw("POST", "/v1/models/half:predict", chunked)  # sent in chunks
    assert status == 413


def test_what_is_no_http_hurts_nobody(client):
    path = b"POST /v1/models/half:predict HTTP/1.1\r\n"
    for junk, answer in (
        (b"\x00\xff\r\n\r\n", b"HTTP/1.1 400 "),
        (path + b"Content-Length: -5\r\n\r\n", b"HTTP/1.1 400 "),
        (path + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 400 "),
        (b"GET", b""),
    ):
        with socket.create_connection(("127.0.0.1", client.rest_port), timeout=20) as one:
            one.sendall(junk)
            one.shutdown(socket.SHUT_WR)
            assert one.recv(1000)[: len(answer) or 1000].startswith(answer)
    assert client.post(PREDICT, {"instances": [1]})[0] == 200


@pytest.mark.parametrize(
    "body", [b'{"examples": [{"\\ud800": 1.0}]}', b'{"examples": [{}], "context": {"\\udfff": 1.0}}']
)
@pytest.mark.parametrize("method", ["classify", "regress"])
def test_half_a_pair_of_surrogates_is_no_name(client, method, body):
    assert "surrogate pair" in client.error(f"half:{method}", body)


NAMES = st.sampled_from(["x", "b64", "tag", "signal"]) | st.text(st.characters(exclude_categories=[]), max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.just({"b64": "AA"}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["instances", "inputs", "examples", "context", "signature_name"]),
    VALUES | st.sampled_from(["strings", "several", "classify", "regress", "int32", "bool", "total"]),
    max_size=3,
).map(lambda found: json.dumps(found).encode())
RIGHT = [
    b'{"instances": [1.0, 2.5]}',
    b'{"signature_name": "strings", "inputs": {"text": ["a", {"b64": "YQ=="}]}}',
    b'{"signature_name": "regress", "examples": [{"x": 1.0}, {"x": [2.0]}], "context": {"y": "z"}}',
]
SPOILED = st.builds(
    lambda body, place, cut, piece: body[:place] + piece + body[place + cut :],
    *(st.sampled_from(RIGHT), st.integers(0, 90), st.integers(0, 9)),
    st.binary(max_size=9) | st.text(st.sampled_from('"\\u0d8e-+.[]{}:,'), max_size=9).map(str.encode),
)


@settings(max_examples=10_000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS | SPOILED | st.binary(max_size=40), st.sampled_from(["predict", "classify", "regress"]))
def test_no_body_is_the_fault_of_the_server(client, body, method):
    status, answer = client.post(f"half:{method}", body)
    if status == 200:
        assert set(answer) & {"predictions", "outputs", "results"}
    else:
        assert status == 400, answer
        assert set(answer) == {"error"}
        assert answer["error"]
        assert "Traceback" not in answer["error"]
