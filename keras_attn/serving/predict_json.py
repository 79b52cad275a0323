"""The two forms of a Predict request and its reply: a row for each instance, or a column for each tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.serving.errors import ServingError, invalid
from keras_attn.serving.json_text import is_bytes, quoted
from keras_attn.serving.tensors_json import from_array, to_array


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names; "" if it names none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {quoted(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def read(document: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays of a request.

    Args:
        document: the request.
        inputs: a `TensorInfo` for each input of the signature.

    Returns:
        an array for each input, and whether they came in rows.

    Raises:
        ServingError: as TensorFlow Serving words it.
    """
    dtypes = {name: tf.as_dtype(inputs[name].dtype) for name in sorted(inputs)}
    if "instances" in document:
        if "inputs" in document:
            raise _format(
                document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
            )
        instances = document["instances"]
        if not isinstance(instances, list):
            raise _format(document, "Excepting 'instances' to be an list/array")
        if not instances:
            raise _format(document, "No values in 'instances' array")
        return _rows(instances, dtypes), True
    if "inputs" in document:
        return _columns(document["inputs"], dtypes), False
    raise invalid("Missing 'inputs' or 'instances' key")


def write(outputs: Mapping[str, np.ndarray], rows: bool) -> bytes:
    """The reply to a request that came in rows, or in columns; an output that is the only one goes without its name.

    Raises:
        ServingError: the outputs have no rows, or not as many.
    """
    if rows:
        _check_rows(outputs)
    values = {name: from_array(name, outputs[name]) for name in sorted(outputs)}
    if len(values) == 1:
        (found,) = values.values()
    elif rows:
        found = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    else:
        found = values
    return json.dumps({"predictions" if rows else "outputs": found}, indent=4, ensure_ascii=False).encode()


def _rows(instances: list[Any], dtypes: dict[str, tf.DType]) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(dtypes) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per"
            " tensorinfo_map"
        )
    named = _is_object(instances[0])
    found: dict[str, list[np.ndarray]] = {name: [] for name in dtypes}
    for place, instance in enumerate(instances):
        if named != _is_object(instance):
            wanted, came = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {wanted} but got {came} at item {place} of input list")
        for name, value in instance.items() if named else [(next(iter(dtypes)), instance)]:
            try:
                _append(found, name, value, dtypes)
            except ServingError as error:
                key = f" key: {name}" if named else ""
                raise invalid(
                    f"Failed to process element: {place}{key} of 'instances' list. Error: {error.code}: {error.message}"
                ) from None
        if named and instance.keys() != dtypes.keys():
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {quoted(instance)} keys must be"
                f" equal to: {','.join(dtypes)}"
            )
    return {name: np.stack(arrays) for name, arrays in found.items()}


def _append(found: dict[str, list[np.ndarray]], name: str, value: Any, dtypes: dict[str, tf.DType]) -> None:
    if name not in dtypes:
        raise invalid(f"JSON object: does not have named input: {name}")
    array, others = to_array(value, dtypes[name]), found[name]
    if others and others[0].size != array.size:
        raise invalid(f"Expecting tensor size: {others[0].size} but got: {array.size}")
    if others and others[0].shape != array.shape:
        raise invalid(f"Expecting shape {_shape(others[0])} but got: {_shape(array)}")
    others.append(array)


def _columns(given: Any, dtypes: dict[str, tf.DType]) -> dict[str, np.ndarray]:
    if not _is_object(given):
        if len(dtypes) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per"
                " tensorinfo_map"
            )
        (name,) = dtypes
        return {name: to_array(given, dtypes[name])}
    for name in dtypes:
        if name not in given:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_array(given[name], dtype) for name, dtype in dtypes.items()}


def _check_rows(outputs: Mapping[str, np.ndarray]) -> None:
    size = None
    for name in sorted(outputs):
        if not outputs[name].ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size is not None and len(outputs[name]) != size:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(outputs[name])} expecting: {size}")
        size = len(outputs[name])


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_bytes(value)


def _shape(array: np.ndarray) -> str:
    return "[" + ",".join(map(str, array.shape)) + "]"


def _format(document: Mapping[str, Any], words: str) -> ServingError:
    return invalid(f"JSON Value: {quoted(document)} {words}")
