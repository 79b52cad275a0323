"""Whole numbers through narrow floats."""

from __future__ import annotations

from typing import Any

from keras import ops

BASE = 128  # bfloat16 counts to 256, float16 to 2,048


def apart(numbers: Any, dtype: str) -> Any:
    """Integers from 0 to 32,767 as two digits, which every float type holds exactly.

    Args:
        numbers: (...,) integers.
        dtype: of the digits.

    Returns:
        (..., 2).

    >>> import numpy as np
    >>> np.asarray(apart(np.array([300]), "float16")).tolist()
    [[2.0, 44.0]]
    """
    return ops.cast(ops.stack([numbers // BASE, numbers % BASE], axis=-1), dtype)


def joined(digits: Any) -> Any:
    """The integers that `apart` took apart: (..., 2) -> (...)."""
    digits = ops.cast(digits, "int32")
    return BASE * digits[..., 0] + digits[..., 1]
