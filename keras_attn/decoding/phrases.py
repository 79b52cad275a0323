"""How much of some phrases has been said."""

from __future__ import annotations

from typing import Any

from keras import ops


def progress(ids: Any, length: Any, phrases: Any, padding: int) -> tuple[Any, Any]:
    """Tokens of phrases that are there, and how each phrase that is not there yet goes on.

        phrases     a b c   and   d           so far     x d a b
        met         2 ("a b") + 1 ("d")       next       c, and none for "d"

    A phrase is there if its words stand side by side somewhere. Of those that are not, the one that has come farthest
    at the end of the output counts. So the next word of that phrase always makes it one more.

    Args:
        ids: (rows, longest), padding after the first `length` words.
        length: () how many words there are.
        phrases: (rows, count, phrase_length), padded; a phrase of no words is there.

    Returns:
        met (rows,) tokens; next (rows, count) the next word of each phrase, padding if it is there.
    """
    rows, longest = ops.shape(ids)
    words = ops.shape(phrases)[2]
    sizes = ops.sum(ops.cast(phrases != padding, "int32"), axis=2)  # (rows, count)
    step = ops.arange(words, dtype="int32")

    def windows(starts: Any) -> Any:
        """Words from each of `starts` on, (rows, 1, starts, phrase_length); -1 where there are none."""
        place = ops.expand_dims(starts, 1) + step  # (starts, phrase_length)
        inside = ops.logical_and(place >= 0, place < length)
        place = ops.reshape(ops.clip(place, 0, ops.maximum(longest - 1, 0)), (-1,))
        found = ops.reshape(ops.take(ids, place, axis=1), (rows, -1, words))
        return ops.expand_dims(ops.where(inside, found, -1), 1)

    wanted = ops.expand_dims(phrases, 2)  # (rows, count, 1, phrase_length)
    equal = ops.logical_or(windows(ops.arange(longest, dtype="int32")) == wanted, wanted == padding)
    there = ops.logical_or(ops.any(ops.all(equal, axis=3), axis=2), sizes == 0)  # (rows, count)

    many = step + 1  # how many of its first words may stand at the end
    equal = ops.logical_or(windows(length - many) == wanted, step >= ops.expand_dims(many, 1))
    begun = ops.max(ops.where(ops.all(equal, axis=3), many, 0), axis=2, initial=0)  # (rows, count)
    begun = ops.where(there, 0, begun)
    met = ops.sum(ops.where(there, sizes, 0), axis=1) + ops.max(begun, axis=1, initial=0)
    following = ops.take_along_axis(phrases, ops.expand_dims(begun, 2), axis=2)[:, :, 0]
    return met, ops.where(there, padding, following)
