"""The keys and values a decoder has seen so far, in a cache of a length that is chosen at the start."""

from __future__ import annotations

from typing import Any

from keras import ops, tree


def extend(cache: Any, key: Any, value: Any, position: Any = 0) -> dict[str, Any]:
    """Write new keys and values at `position` and the places after it.

        cache     k0 k1 k2 -- -- --      position 3, two new ones
        new                k3 k4
        result    k0 k1 k2 k3 k4 --      what is not written yet is hidden by key_position <= query_position

    Without a cache, as in training, the new ones are all there is, and they are the result.

    Args:
        cache: `{"key", "value"}` of (batch, time, heads, head_dim) with time >= position + n, or None.
        key, value: (batch, n, heads, head_dim); n is a prompt's length, or 1.
        position: where the first one goes, an integer or a scalar integer tensor.

    Returns:
        `{"key", "value"}` of the cache's shape; of the new ones' shape without a cache.
    """
    if cache is None:
        return {"key": key, "value": value}
    batch, count = ops.shape(key)[:2]
    # Scattering on (row, position) is 80 times faster than `slice_update` on TensorFlow, and has a gradient.
    row = ops.repeat(ops.arange(batch), count)
    column = ops.tile(ops.cast(position, "int32") + ops.arange(count), [batch])
    where = ops.stack([row, column], -1)  # (batch * n, 2)

    def written(old: Any, new: Any) -> Any:
        new = ops.reshape(new, (batch * count, *ops.shape(new)[2:]))
        return ops.scatter_update(old, where, ops.cast(new, old.dtype))

    return {"key": written(cache["key"], key), "value": written(cache["value"], value)}


CACHE = "cache"  # the part of a decoder's state that has a place for each token


def sized(state: dict[str, Any], length: Any) -> dict[str, Any]:
    """Make room for `length` tokens in the caches of a decoder's state, those under "cache".

    A state without caches, as of a recurrent decoder, stays as it is.

    Args:
        state: what an encoder's view gives; leaves under "cache" are (batch, time, ...).
        length: an integer or a scalar integer tensor; caches that are longer stay as they are.
    """
    if CACHE not in state:
        return state

    def padded(leaf: Any) -> Any:
        batch, time, *rest = ops.shape(leaf)
        missing = length - time
        # JAX compiles for integers known beforehand, and its maximum would be a number known later.
        missing = max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)
        more = ops.zeros((batch, missing, *rest), leaf.dtype)
        return ops.concatenate([leaf, more], axis=1)

    return {**state, CACHE: tree.map_structure(padded, state[CACHE])}
