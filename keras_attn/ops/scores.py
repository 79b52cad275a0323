"""How well a query and a key match: one number for each pair."""

from __future__ import annotations

from typing import Any

from keras import ops


def additive(query: Any, key: Any, v: Any) -> Any:
    """e_qk = v^T tanh(query_q + key_k), with query and key already projected.

    Args:
        query: W s, (batch, query_length, units).
        key: U h, (batch, key_length, units).
        v: (units,).

    Returns:
        Scores (batch, query_length, key_length).

    Source: Bahdanau et al. 2015, appendix A.1.2.
    """
    hidden = ops.tanh(ops.expand_dims(query, 2) + ops.expand_dims(key, 1))  # (batch, query_length, key_length, units)
    return ops.squeeze(ops.matmul(hidden, ops.expand_dims(v, -1)), -1)  # (batch, query_length, key_length)
