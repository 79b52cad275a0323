"""The best next words, padding and start never among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

NEVER = -1e30  # log p of what cannot be; finite, so that sums and products stay numbers
LARGE = 2000  # words from which on blocks are the faster way (2026-11-20); where their number is not known, the least
BLOCK = 50  # words of a block; where their number is not known, there are whole ones


def barred(scores: Any, words: tuple[int, ...]) -> Any:
    """Scores (..., vocabulary) in which `words` are out of the question."""
    if scores.shape[-1] is None:
        place = ops.arange(ops.shape(scores)[-1], dtype="int32")
        return scores + sum(ops.where(place == word, NEVER, 0.0) for word in words)
    bar = np.zeros(scores.shape[-1], "float32")
    bar[[word for word in words if word < len(bar)]] = NEVER
    return scores + bar


def likeliest(scores: Any, count: int, never: tuple[int, ...]) -> tuple[Any, Any]:
    """The `count` best words of each row, or all if there are fewer; those that `never` names get `NEVER`.

    Args:
        scores: (rows, vocabulary), see `top`.
        never: ids of padding and start, which a model that has learned little may well propose.

    Returns:
        scores and words (int32), (rows, count or a few more): in order but for those that can never be.
    """
    vocabulary = scores.shape[-1]
    if count == 1 and (vocabulary or LARGE) < LARGE:
        # One pass more over all words, but finding 1 is five times faster than 3.
        best, word = ops.top_k(barred(scores, never), 1)
        return best, ops.cast(word, "int32")
    best, word = top(scores, min(count + len(never), vocabulary or LARGE))
    for token in never:
        best = ops.where(word == token, NEVER, best)
    if count == 1:
        best, place = ops.top_k(best, 1)
        word = ops.take_along_axis(word, place, axis=1)
    return best, word


def top(scores: Any, count: int) -> tuple[Any, Any]:
    """What `ops.top_k` gives, faster: of equals the first.

    A word among the `count` best is in one of the `count` blocks with the highest maxima: else each of these would have
    a better one, or an equal one that comes first. So only those blocks are searched, and one pass finds all maxima.

    Args:
        scores: (rows, vocabulary); a vocabulary that is known while the graph runs only has whole `BLOCK`s of words,
            and at least `LARGE`.

    Returns:
        scores and words (int32), (rows, count) each, best first.
    """
    vocabulary, width = scores.shape[-1], BLOCK
    least = LARGE if vocabulary is None else vocabulary
    if vocabulary is not None:
        # Such that little is left over; the passes over maxima and over blocks then cost about the same (2026-11-20).
        width = min(range(40, 65), key=lambda width: (-vocabulary % width, abs(width - BLOCK)))
    if least < LARGE or -(-least // width) <= 2 * count:
        best, word = ops.top_k(scores, count)
        return best, ops.cast(word, "int32")
    rows = ops.shape(scores)[0]
    blocks = ops.shape(scores)[1] // width if vocabulary is None else -(-vocabulary // width)
    if vocabulary is not None and vocabulary % width:
        scores = ops.pad(scores, [[0, 0], [0, -vocabulary % width]], constant_values=-float("inf"))
    scores = ops.reshape(scores, (rows * blocks, width))
    maxima = ops.reshape(ops.max(scores, axis=1, initial=-float("inf")), (rows, blocks))
    block = ops.sort(ops.cast(ops.top_k(maxima, count)[1], "int32"), axis=1)  # (rows, count), in order of words
    first = ops.expand_dims(blocks * ops.arange(rows, dtype="int32"), 1)
    best, place = ops.top_k(ops.reshape(ops.take(scores, first + block, axis=0), (rows, count * width)), count)
    place = ops.cast(place, "int32")
    return best, ops.take_along_axis(block, place // width, axis=1) * width + place % width


def own_log_p(logits: Any, word: Any, normalizer: Any = None) -> Any:
    """log p of `word` (..., n) under logits (..., vocabulary), without a tensor of all log p."""
    if normalizer is None:
        *outside, vocabulary = ops.shape(logits)
        normalizer = ops.reshape(log_total(ops.reshape(logits, (-1, vocabulary))), outside)
    return ops.take_along_axis(logits, word, axis=-1) - ops.expand_dims(normalizer, -1)


def log_total(logits: Any) -> Any:
    """logsumexp of each row, (rows, vocabulary) -> (rows,); of many words as the best logit less log softmax of it.

    Softmax is a backend's fastest way to so many exponentials: on TensorFlow it takes half the time of `ops.logsumexp`
    (2026-11-20). The likeliest word has at least 1 / vocabulary, so its logarithm is safe. A search looks for the best
    words anyway; what of that is the same is done once.
    """
    if (logits.shape[-1] or LARGE) < LARGE:
        return ops.logsumexp(logits, axis=-1)
    best, word = top(logits, 1)
    return (best - ops.log(ops.take_along_axis(ops.softmax(logits, axis=-1), word, axis=1)))[:, 0]
