"""The loop of every search, over sentences of which some are finished before others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops, tree


def until_finished(
    unfinished: Callable[[Any, Any, Any, Any], Any],
    advance: Callable[[Any, Any, Any, Any], tuple[Any, Any]],
    found: Any,
    going: Any,
    fixed: Any,
    sentences: Any,
) -> Any:
    """Advance at positions 0, 1, ... while a sentence is unfinished.

        sentences   a b c d e f g h        Where shapes may change while a graph runs, those that are finished
                    a b c   e   g h        are left out when they are an eighth of what is there. Of batches of
                      b c       g          sentences of like lengths, two fifths of the steps are saved so.

    Where the number of sentences is known while a graph is made (JAX, XLA, eager calls), all stay to the end.

    Args:
        unfinished: (position, found, going, fixed) -> booleans (sentences,).
        advance: (position, found, going, fixed) -> found and going after it. It leaves what is found for a finished
            sentence as it is.
        found: what is asked for in the end.
        going: what the next step needs besides.
        fixed: what stays the same. In all leaves of these three each sentence has as many rows, one after the other.
        sentences: how many, an int where that is known.

    Returns:
        found, of all sentences.
    """
    start = ops.cast(0, "int32")
    if isinstance(sentences, int):

        def some(position: Any, found: Any, going: Any) -> Any:
            return ops.any(unfinished(position, found, going, fixed))

        return ops.while_loop(some, _step(advance, fixed), (start, found, going))[1]

    def left(position: Any, place: Any, found: Any, going: Any, fixed: Any, every: Any) -> Any:
        return ops.any(unfinished(position, found, going, fixed))

    def lessen(position: Any, place: Any, found: Any, going: Any, fixed: Any, every: Any) -> tuple:
        count = ops.shape(place)[0]

        def many(position: Any, found: Any, going: Any) -> Any:
            return 8 * ops.sum(ops.cast(unfinished(position, found, going, fixed), "int32")) > 7 * count

        position, found, going = ops.while_loop(many, _step(advance, fixed), (position, found, going))

        def written(all_: Any, leaf: Any) -> Any:
            return ops.scatter_update(all_, ops.expand_dims(_rows(place, leaf, count), 1), leaf)

        every = tree.map_structure(written, every, found)
        (keep,) = ops.nonzero(unfinished(position, found, going, fixed))
        keep = ops.cast(keep, "int32")

        def kept(leaf: Any) -> Any:
            return ops.take(leaf, _rows(keep, leaf, count), axis=0)

        return position, ops.take(place, keep), *tree.map_structure(kept, (found, going, fixed)), every

    place = ops.arange(sentences, dtype="int32")  # of those that are there, in the batch
    return ops.while_loop(left, lessen, (start, place, found, going, fixed, found))[-1]


def _step(advance: Callable, fixed: Any) -> Callable:
    return lambda position, found, going: (position + 1, *advance(position, found, going, fixed))


def _rows(sentence: Any, leaf: Any, count: Any) -> Any:
    """Where the rows of some sentences are in a leaf of `count`."""
    each = ops.shape(leaf)[0] // count
    return ops.reshape(ops.expand_dims(sentence * each, 1) + ops.arange(each, dtype="int32"), (-1,))
