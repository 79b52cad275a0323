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


def of_call(
    query_mask: Any = None,
    value_mask: Any = None,
    key_mask: Any = None,
    attention_mask: Any = None,
    causal_lengths: tuple[Any, Any] | None = None,
) -> Any:
    """Who may look where by the mask arguments of an attention layer's call; None if all may look everywhere.

    Args:
        query_mask: (batch, query_length); rows that are False look nowhere.
        value_mask, key_mask: (batch, key_length).
        attention_mask: (batch, query_length, key_length).
        causal_lengths: query_length and key_length, where position q sees positions <= q only.

    Returns:
        Booleans broadcastable to (batch, query_length, key_length), or None.
    """
    past = None
    if causal_lengths is not None:
        past = ops.expand_dims(causal(*map(ops.arange, causal_lengths)), 0)  # (1, query_length, key_length)
    return both(
        None if query_mask is None else ops.expand_dims(query_mask, 2),  # (batch, query_length, 1)
        None if value_mask is None else ops.expand_dims(value_mask, 1),  # (batch, 1, key_length)
        None if key_mask is None else ops.expand_dims(key_mask, 1),  # (batch, 1, key_length)
        attention_mask,
        past,
    )
