"""The keys and values a decoder has seen so far, in a cache that has room for more or grows.

Which of the two is known from the cache itself. Where all shapes are known while a graph is made (JAX, XLA, eager
calls), it is as long as `sized` made it. Where its length is not known then, it has the tokens so far and nothing else,
and every operation on it costs what these cost.
"""

from __future__ import annotations

from typing import Any

from keras import ops, tree

CACHE = "cache"  # the part of a decoder's state that has a place for each token
TIME = 2  # the axis of these places, behind the heads


def extend(cache: Any, key: Any, value: Any, position: Any = 0) -> dict[str, Any]:
    """Write new keys and values at `position` and the places after it.

        cache     k0 k1 k2 -- -- --      position 3, two new ones
        new                k3 k4
        result    k0 k1 k2 k3 k4 --      what is not written yet is hidden by key_position <= query_position

        cache     k0 k1 k2 --            of a length not known beforehand: it is as long as it has to be
        result    k0 k1 k2 k3 k4

    Without a cache, as in training, the new ones are all there is, and they are the result.

    Args:
        cache: `{"key", "value"}` of (batch, heads, time, head_dim), or None. If time is known beforehand, it must be at
            least position + n; if not, at least position.
        key, value: (batch, heads, n, head_dim); n is a prompt's length, or 1.
        position: where the first one goes, an integer or a scalar integer tensor.

    Returns:
        `{"key", "value"}`, as long as the cache, or position + n; of the new ones' shape without a cache.
    """
    if cache is None:
        return {"key": key, "value": value}
    position = ops.cast(position, "int32")
    new = {"key": key, "value": value}
    write = _behind if grows(cache) else _inside
    return {name: write(leaf, ops.cast(new[name], leaf.dtype), position) for name, leaf in cache.items()}


def grows(cache: Any) -> bool:
    """Whether `extend` gives a cache of the tokens so far and nothing else."""
    return cache is not None and cache["key"].shape[TIME] is None


def _behind(cache: Any, new: Any, position: Any) -> Any:
    return ops.concatenate([cache[:, :, :position], new], axis=TIME)


def _inside(cache: Any, new: Any, position: Any) -> Any:
    batch, heads, count, width = ops.shape(new)
    # Scattering on (row, place) is 80 times faster than `slice_update` on TensorFlow, and has a gradient.
    row = ops.repeat(ops.arange(batch * heads), count)
    column = ops.tile(position + ops.arange(count), [batch * heads])
    flat = ops.reshape(cache, (batch * heads, *ops.shape(cache)[TIME:]))
    written = ops.scatter_update(flat, ops.stack([row, column], -1), ops.reshape(new, (-1, width)))
    return ops.reshape(written, ops.shape(cache))


def sized(state: dict[str, Any], length: Any) -> dict[str, Any]:
    """Make the caches of a decoder's state, those under "cache", ready for `length` tokens.

    A state without caches, as of a recurrent decoder, stays as it is.

    Args:
        state: what an encoder's view gives; leaves under "cache" are (batch, heads, time, ...).
        length: an integer or a scalar integer tensor. If it is not known while a graph is made, caches stay as long as
            they are, and grow; else they get room, and those that are longer stay so.
    """
    if CACHE not in state:
        return state

    def ready(leaf: Any) -> Any:
        batch, heads, time, width = ops.shape(leaf)
        missing = length - time
        # JAX compiles for integers known beforehand, and its maximum would be a number known later.
        missing = max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)
        room = ops.zeros((batch, heads, missing, width), leaf.dtype)
        if room.shape[TIME] is None:
            # Nothing, but TensorFlow cannot know, and so lets a loop change the length.
            room = ops.zeros((batch, heads, 0 * missing, width), leaf.dtype)
        return ops.concatenate([leaf, room], axis=TIME)

    return {**state, CACHE: tree.map_structure(ready, state[CACHE])}
