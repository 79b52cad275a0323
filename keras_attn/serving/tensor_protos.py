"""Tensors of gRPC requests and replies, and arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.serving.errors import invalid

_MOST = 2**28  # elements: a few bytes can say "a billion times the same"


def to_arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays that `TensorProto`s hold.

    Raises:
        ServingError: one of them contradicts itself.
    """
    return {name: _to_array(name, tensor) for name, tensor in tensors.items()}


def fill(into: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Put arrays into a map of `TensorProto`s."""
    for name, array in arrays.items():
        into[name].CopyFrom(tf.make_tensor_proto(array))


def _to_array(name: str, tensor: Any) -> np.ndarray:
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes) or math.prod(sizes) > _MOST:
        raise invalid(f"tensor parsing error: {name} has an invalid shape {sizes}")
    try:
        array = np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError, KeyError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from None
    if list(array.shape) != sizes:
        raise invalid(f"tensor parsing error: {name} has {array.size} values for the shape {sizes}")
    return array
