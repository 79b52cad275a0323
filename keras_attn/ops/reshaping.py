"""Other sizes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def reshaped(x: Any, sizes: Sequence[Any]) -> Any:
    """`ops.reshape`; the one size that is not known before a graph runs is left to the backend to work out.

    Each size that is told costs a TensorFlow graph three operations, and a step of a search has a hundred of them.

    Args:
        x: any tensor.
        sizes: integers, known ones at least 1, and scalar tensors.

    Returns:
        x of these sizes.
    """
    unknown = sum(not isinstance(size, int) for size in sizes)
    if unknown == 1:
        sizes = [size if isinstance(size, int) else -1 for size in sizes]
    return ops.reshape(x, tuple(sizes))
