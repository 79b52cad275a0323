"""Nested lists of JSON and arrays: each of a signature's types, and the shape that the lists have."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.serving.errors import ServingError, invalid
from keras_attn.serving.json_text import from_base64, kind, quoted

_FLOATS = {tf.float32: "float", tf.float64: "double"}
_DEEPEST = 32  # NumPy's arrays end at 64
_INTEGERS = {tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64}
_NAMES = {**_FLOATS, tf.string: "string"}  # as TensorFlow in C++ calls them; the others have one name


def to_array(value: Any, dtype: tf.DType) -> np.ndarray:
    """A JSON value as an array of a type; lists of one level have one length.

    >>> to_array([[1, 2], [3, 4]], tf.float32)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    >>> to_array(["a", {"b64": "AAE="}], tf.string)
    array([b'a', b'\\x00\\x01'], dtype=object)

    Raises:
        ServingError: a value is of another type, or at another level, or a list has another length.
    """
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        if not first:
            break
        first = first[0]
        if len(shape) > _DEEPEST:
            raise invalid(f"Lists are nested deeper than {_DEEPEST} levels")
    leaves = [_scalar(one, dtype) for one in _leaves(value, shape, 0)]
    array = np.empty(len(leaves), dtype.as_numpy_dtype)
    array[:] = leaves
    return array.reshape(shape)


def from_array(name: str, array: np.ndarray) -> Any:
    """An array as JSON; strings are text, or `{"b64": ...}` where the output's name ends in `_bytes`."""
    if array.dtype == object:
        write = _bytes if name.endswith("_bytes") else _text
        return np.frompyfunc(write, 1, 1)(array).tolist() if array.ndim else write(array.item())
    dtype = tf.as_dtype(array.dtype)
    if dtype.is_floating:
        # The fewest digits that say this number, which in float64 would say its rounding as well.
        digits = array if dtype == tf.float64 else array.astype(np.float32).astype(str).astype(np.float64)
        return digits.tolist()
    if dtype.is_bool or dtype.is_integer:
        return array.tolist()
    raise invalid(f"Failed to write JSON value for tensor type: {dtype.name}")


def _leaves(value: Any, shape: list[int], level: int) -> Iterator[Any]:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {quoted(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at"
                f" level: {len(shape)}"
            )
        yield value
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for one in value:
        yield from _leaves(one, shape, level + 1)


def _scalar(value: Any, dtype: tf.DType) -> Any:
    if dtype == tf.string:
        if isinstance(value, str):
            return value.encode("utf-8", "replace")  # half of a surrogate pair is no text
        if isinstance(value, dict):
            return from_base64(value)
    elif dtype == tf.bool:
        if isinstance(value, bool):
            return value
    elif dtype in _FLOATS:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _decimal(value, dtype)
    elif dtype in _INTEGERS:
        if isinstance(value, int) and not isinstance(value, bool) and dtype.min <= value <= dtype.max:
            return value
    else:
        raise ServingError("UNIMPLEMENTED", f"Conversion of JSON Value: {quoted(value)} to type: {dtype.name}")
    name = _NAMES.get(dtype, dtype.name)
    raise invalid(f"JSON Value: {quoted(value)} Type: {kind(value)} is not of expected type: {name}")


def _decimal(value: float, dtype: tf.DType) -> float:
    most: float = float(dtype.max)
    if isinstance(value, int):  # whole numbers beyond this are rounded
        most = 2 ** (24 if dtype == tf.float32 else 53) - 1
    elif not math.isfinite(value):
        return value
    if abs(value) > most:
        raise invalid(f"Cannot convert JSON value: {quoted(value)} to {_FLOATS[dtype]} without loss of precision.")
    return value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _bytes(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}
