"""Classify and Regress over REST, from TensorFlow Serving's documentation."""

from __future__ import annotations

import pytest
import tensorflow as tf
from google.protobuf import text_format

from keras_attn.serving.examples_json import read


def test_regress_gives_a_number_for_each_example(client):
    request = {"signature_name": "regress", "examples": [{"x": 1.0}, {"x": [2.0]}]}
    assert client.post("half:regress", request) == (200, {"results": [2.5, 3.0]})


def test_classify_gives_labels_with_scores_for_each_example(client):
    request = {"signature_name": "classify", "examples": [{"x": 1.0}, {"x": -8.0}]}
    results = [[["up", 2.5], ["down", -2.5]], [["down", -2.0], ["up", 2.0]]]
    assert client.post("half:classify", request) == (200, {"results": results})


def test_a_label_that_the_model_does_not_give_is_empty(client):
    request = {"signature_name": "scores_only", "examples": [{"x": 0.2}]}
    assert client.post("half:classify", request) == (200, {"results": [[["", 2.1]]]})


def test_what_examples_share_stands_in_the_context(client):
    request = {"signature_name": "regress", "context": {"x": 1.0}, "examples": [{}, {"y": "z"}]}
    assert client.post("half:regress", request) == (200, {"results": [2.5, 2.5]})


def test_features_are_numbers_text_bytes_and_lists_of_them(client):
    example = {"x": 1.0, "word": "a", "image": {"b64": "aW1hZ2U="}, "many": [1, -(2**63)], "yes": True, "none": []}
    assert client.post("half:regress", {"signature_name": "regress", "examples": [example]}) == (
        200,
        {"results": [2.5]},
    )
    (found,) = read({"examples": [example]}).example_list.examples
    expected = """
        feature { key: "x" value { float_list { value: 1 } } }
        feature { key: "word" value { bytes_list { value: "a" } } }
        feature { key: "image" value { bytes_list { value: "image" } } }
        feature { key: "many" value { int64_list { value: 1 value: -9223372036854775808 } } }
        feature { key: "yes" value { int64_list { value: 1 } } }
        feature { key: "none" value { } }
    """
    assert found.features == text_format.Parse(expected, tf.train.Features())


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "When method is classify, key 'examples' is expected and was not found"),
        ({"examples": 1}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": [[1]]}]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"examples": [{"x": {"a": 1}}]}, "Feature: x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": [1, 1.5]}]}, "Unexpected element type in feature: x expecting type: int64"),
        ({"examples": [{"x": 2**63}]}, "Feature: x has uint64 element. Only int64 is supported."),
        ({"examples": [{"x": 1e39}]}, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ({"examples": [{"x": {"b64": "?"}}]}, "Unable to base64 decode"),
        ({"examples": [{"x": 1.0}]}, "signature method_name to be tensorflow/serving/"),
        ({"signature_name": "none", "examples": [{"x": 1.0}]}, "No signature was found with the name: none"),
        ({"signature_name": "slow", "examples": [{"x": 1.0}]}, "Was: tensorflow/serving/predict"),
        ({"signature_name": 1, "examples": [{"x": 1.0}]}, "'signature_name' key must be a string value."),
    ],
)
@pytest.mark.parametrize("method", ["classify", "regress"])
def test_a_wrong_request_is_told_why(client, method, document, words):
    assert words in client.error(f"half:{method}", document)


def test_what_the_graph_says_is_passed_on(client):
    error = client.error("half:regress", {"signature_name": "regress", "examples": [{"x": 1}]})
    assert "Data types don't match" in error


def test_models_and_versions_are_looked_up(client):
    request = {"signature_name": "regress", "examples": [{"x": 1.0}]}
    assert client.post("half/versions/123:regress", request)[0] == 200
    assert client.error("no:regress", request, 404) == "Servable not found for request: Latest(no)"
    assert client.error("half/labels/x:regress", request) == "Unrecognized servable version label: x"
