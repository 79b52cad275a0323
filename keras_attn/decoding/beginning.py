"""What every search begins with."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops, tree

from keras_attn.decoding.request import Request
from keras_attn.ops import memory as memory_ops


class Beginning(NamedTuple):
    """Memory, state and request for each row, a row being one of `times` beginnings of a sentence.

    Args:
        batch: number of sentences.
        limit: (batch,) int32, the most tokens of each.
        longest: the most of all, an int where `max_length` is one.
        memory, state, request: the batch of each leaf repeated, and room in the caches; limit is a part of request.
    """

    batch: Any
    limit: Any
    longest: Any
    memory: Any
    state: Any
    request: Request


def begin(memory: Any, state: Any, max_length: Any, request: Request, times: int) -> Beginning:
    """Repeat each sentence `times` times, and make room for as many tokens as may come."""
    batch = ops.shape(tree.flatten(state)[0])[0]
    limit = ops.broadcast_to(ops.cast(max_length, "int32"), (batch,))
    if request.limit is not None:
        limit = ops.minimum(limit, ops.cast(request.limit, "int32"))
    longest = max_length if isinstance(max_length, int) else ops.max(limit, initial=0)  # a batch may be empty

    def repeated(leaf: Any) -> Any:
        return leaf if times == 1 else ops.repeat(leaf, times, axis=0)

    asked = request._replace(limit=limit)
    return Beginning(
        batch,
        limit,
        longest,
        tree.map_structure(repeated, memory),
        tree.map_structure(repeated, roomy(state, longest)),
        Request(*(None if field is None else repeated(ops.convert_to_tensor(field)) for field in asked)),
    )


def roomy(state: Any, length: Any) -> Any:
    """Make room for `length` tokens in a state, or in each of an ensemble's."""
    if isinstance(state, list | tuple):
        return [memory_ops.sized(each, length) for each in state]
    return memory_ops.sized(state, length)
