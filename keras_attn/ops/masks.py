"""Who may look where: boolean tensors, True = may look."""

from __future__ import annotations

from typing import Any

from keras import ops


def causal(query_position: Any, key_position: Any) -> Any:
    """key_position <= query_position: nobody sees the future.

    Args:
        query_position: (query_length,) integers.
        key_position: (key_length,) integers.

    Returns:
        (query_length, key_length) booleans.

    >>> import numpy as np
    >>> np.asarray(causal(np.array([1, 2]), np.array([0, 1, 2]))).tolist()
    [[True, True, False], [True, True, True]]
    """
    return ops.expand_dims(key_position, 0) <= ops.expand_dims(query_position, 1)


def both(*masks: Any) -> Any:
    """The conjunction of those masks that are not None; None if all are.

    Args:
        masks: broadcastable boolean tensors or None.
    """
    result = None
    for mask in masks:
        if mask is not None:
            mask = ops.cast(mask, "bool")
            result = mask if result is None else ops.logical_and(result, mask)
    return result
