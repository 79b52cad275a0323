"""Tensors of gRPC requests and replies, and arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.serving.errors import invalid


def to_arrays(tensors: Mapping[str, Any], max_bytes: float = math.inf) -> dict[str, np.ndarray]:
    """The arrays that `TensorProto`s hold.

    Args:
        tensors: by their names.
        max_bytes: largest array, as a few bytes can say "a billion times the same".

    Raises:
        ServingError: one of them contradicts itself, or is larger.
    """
    return {name: _to_array(name, tensor, max_bytes) for name, tensor in tensors.items()}


def fill(into: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Put arrays into a map of `TensorProto`s."""
    for name, array in arrays.items():
        into[name].CopyFrom(tf.make_tensor_proto(array))


def _to_array(name: str, tensor: Any, max_bytes: float) -> np.ndarray:
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        raise invalid(f"tensor parsing error: {name} has an invalid shape {sizes}")
    try:
        each = tf.as_dtype(tensor.dtype).as_numpy_dtype
        if math.prod(sizes) * np.dtype(each).itemsize > max_bytes:
            limit = f"{max_bytes} bytes (--max_body_bytes)"
            raise invalid(f"tensor parsing error: {name} of shape {sizes} is larger than {limit}")
        array = np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError, KeyError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from None
    if list(array.shape) != sizes:
        raise invalid(f"tensor parsing error: {name} has {array.size} values for the shape {sizes}")
    return array
