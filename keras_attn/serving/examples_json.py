"""Classify and Regress requests and replies in JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from tensorflow_serving.apis import input_pb2

from keras_attn.serving.errors import ServingError, invalid
from keras_attn.serving.json_text import from_base64, is_bytes, kind, quoted
from keras_attn.serving.tensors_json import from_array

_LISTS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}
_MOST_IN_FLOAT = 3.4028234663852886e38


def read(document: dict[str, Any]) -> Any:
    """The `Input` of a request: `examples`, and what they have in common in `context`.

    Raises:
        ServingError: as TensorFlow Serving words it.
    """
    given = input_pb2.Input()
    into = given.example_list
    if "context" in document:
        into = given.example_list_with_context
        _fill(into.context, document["context"])
    if "examples" not in document:
        raise _format(document, "When method is classify, key 'examples' is expected and was not found")
    found = document["examples"]
    if not isinstance(found, list):
        raise _format(document, "Expecting 'examples' value to be an list/array")
    if not found:
        raise _format(document, "'examples' value is an empty array")
    for one in found:
        _fill(into.examples.add(), one)
    return given


def write_classification(result: Any) -> bytes:
    """The labels with scores of each example."""
    return _write([[[one.label, _number(one.score)] for one in row.classes] for row in result.classifications])


def write_regression(result: Any) -> bytes:
    """The number of each example."""
    return _write([_number(one.value) for one in result.regressions])


def _write(results: list[Any]) -> bytes:
    return json.dumps({"results": results}, indent=4, ensure_ascii=False).encode()


def _number(value: float) -> float:
    return from_array("", np.asarray(value, np.float32))


def _fill(example: Any, value: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {kind(value)}")
    for name, content in value.items():
        feature = example.features.feature[name]
        for one in content if isinstance(content, list) else [content]:
            _add(feature, name, one)


def _add(feature: Any, name: str, value: Any) -> None:
    if isinstance(value, bool):
        _list(feature, name, "int64_list").append(int(value))
    elif isinstance(value, str):
        _list(feature, name, "bytes_list").append(value.encode("utf-8", "replace"))
    elif is_bytes(value):
        _list(feature, name, "bytes_list").append(from_base64(value))
    elif isinstance(value, float):
        if _MOST_IN_FLOAT < abs(value) < float("inf"):
            raise invalid(f"Cannot convert JSON value: {quoted(value)} to float without loss of precision.")
        _list(feature, name, "float_list").append(value)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
        _list(feature, name, "int64_list").append(value)
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind(value)}")


def _list(feature: Any, name: str, wanted: str) -> Any:
    came = feature.WhichOneof("kind")
    if came not in (None, wanted):
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {_LISTS[came]}")
    return getattr(feature, wanted).value


def _format(document: dict[str, Any], words: str) -> ServingError:
    return invalid(f"JSON Value: {quoted(document)} {words}")
