"""What every search begins with."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops, tree

from keras_attn.decoding.request import Request
from keras_attn.ops import memory as memory_ops


class Beginning(NamedTuple):
    """Memory, state and request for each row, a row being one of `times` beginnings of a sentence.

    Args:
        batch: number of sentences, an int where it is known.
        times: number of rows for each.
        longest: the most tokens of all, an int where `max_length` is one.
        state: the batch of each leaf repeated, and caches ready for as many tokens.
        fixed: what stays the same at every step: "memory", and what is asked for of "request", limits among it,
            repeated too; but memory is not if the step has `shares_memory` set.
    """

    batch: Any
    times: int
    longest: Any
    state: Any
    fixed: dict[str, Any]


def begin(step: Any, memory: Any, state: Any, max_length: Any, request: Request, times: int) -> Beginning:
    """Repeat each sentence `times` times, and make room for as many tokens as may come."""
    batch = ops.shape(tree.flatten(state)[0])[0]
    limit = ops.broadcast_to(ops.cast(max_length, "int32"), (batch,))
    if request.limit is not None:
        limit = ops.minimum(limit, ops.cast(request.limit, "int32"))
    longest = max_length if isinstance(max_length, int) else ops.max(limit, initial=0)  # a batch may be empty

    def repeated(leaf: Any) -> Any:
        return leaf if times == 1 else ops.repeat(leaf, times, axis=0)

    asked = {name: field for name, field in request._replace(limit=limit)._asdict().items() if field is not None}
    asked = {name: repeated(ops.convert_to_tensor(field)) for name, field in asked.items()}
    shared = getattr(step, "shares_memory", False)
    fixed = {"memory": memory if shared else tree.map_structure(repeated, memory), "request": asked}
    return Beginning(batch, times, longest, tree.map_structure(repeated, roomy(state, longest)), fixed)


def roomy(state: Any, length: Any) -> Any:
    """Make room for `length` tokens in a state, or in each of an ensemble's."""
    if isinstance(state, list | tuple):
        return [memory_ops.sized(each, length) for each in state]
    return memory_ops.sized(state, length)
