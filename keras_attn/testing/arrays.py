"""Nests of tensors as NumPy arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops, tree


def dtype(tensor: Any) -> str:
    """The dtype's name, on any backend."""
    return keras.backend.standardize_dtype(tensor.dtype)


def numpy(nest: Any) -> Any:
    """Tensors of any backend as NumPy arrays; bfloat16 as float32."""

    def convert(tensor: Any) -> np.ndarray:
        narrow = dtype(tensor) == "bfloat16"
        return ops.convert_to_numpy(ops.cast(tensor, "float32") if narrow else tensor)

    return tree.map_structure(convert, nest)


def tensors(nest: Any) -> Any:
    """NumPy arrays as tensors of the backend."""
    return tree.map_structure(ops.convert_to_tensor, nest)


def replaced(nest: Any, path: tuple, array: Any) -> Any:
    """The nest with another leaf at `path`."""
    if not path:
        return array
    if isinstance(nest, dict):
        return {**nest, path[0]: replaced(nest[path[0]], path[1:], array)}
    return type(nest)(replaced(leaf, path[1:], array) if i == path[0] else leaf for i, leaf in enumerate(nest))


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers made inside have this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def probe(outputs: Any) -> Any:
    """A number in which every float that comes out counts, each with a weight of its own."""
    random, total = np.random.default_rng(4), 0.0
    for tensor in tree.flatten(outputs):
        if "float" in dtype(tensor):
            numbers = ops.convert_to_tensor(random.normal(size=tensor.shape).astype("float32"))
            total = total + ops.sum(ops.cast(tensor, "float32") * numbers)
    return total
