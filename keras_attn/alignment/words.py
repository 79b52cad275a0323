"""From weights between pieces of words to links between words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_attn.alignment.links import Links

SPACE = "\u2581"  # what SentencePiece writes for a space
OUTSIDE = ("", "</s>")  # padding and the end belong to no word


def word_numbers(tokens: Sequence[str]) -> np.ndarray:
    """The word, counted from 0, that each token is a piece of; -1 where it is of none.

    A word is what stands between spaces. A space of its own belongs to the word behind it.

    >>> word_numbers(["▁a", "▁hor", "se", "</s>"]).tolist()
    [0, 1, 1, -1]
    """
    numbers, last, space = [], -1, True
    for token in tokens:
        letters = token.lstrip(SPACE)
        if token in OUTSIDE:
            numbers.append(-1)
            continue
        space = space or letters != token
        if letters and space:
            last, space = last + 1, False
        numbers.append(last if letters else last + 1)
    return np.array([number if number <= last else -1 for number in numbers], "int32")


def words(tokens: Sequence[str]) -> list[str]:
    """The words that the tokens are pieces of.

    >>> words(["▁a", "▁hor", "se", "</s>"])
    ['a', 'horse']
    """
    numbers = word_numbers(tokens)
    found = [""] * (1 + max(numbers, default=-1))
    for token, number in zip(tokens, numbers, strict=True):
        if number >= 0:
            found[number] += token.replace(SPACE, "")
    return found


def word_weights(
    weights: np.ndarray, source_tokens: Sequence[str], target_tokens: Sequence[str], shift: int = 0
) -> np.ndarray:
    """Weights between words: summed over the pieces looked at, averaged over the pieces that look.

        A_ts = mean_{i in t} sum_{j in s} a_{i + shift, j}

    Args:
        weights: (..., target_length, source_length), such as attention's; row i is of the step that writes token i.
        source_tokens, target_tokens: the pieces, the end among them, see `word_numbers`.
        shift: steps after a token's own whose weights are its word's. With 1 it is the step that is given the token,
            where a Transformer often looks at what it has just written. The last step stands for those after it.

    Returns:
        (..., target words, source words), in the type of `weights`.

    Source: Clark et al. 2019, https://arxiv.org/abs/1906.04341, section 4.1.
    """
    weights = np.asarray(weights)
    rows = np.minimum(np.arange(len(target_tokens)) + shift, len(target_tokens) - 1)
    into, of = _membership(source_tokens), _membership(target_tokens)
    mean = of / np.maximum(of.sum(axis=1, keepdims=True), 1)
    return (mean @ weights[..., rows, :] @ into.T).astype(weights.dtype)


def hard_links(weights: np.ndarray) -> Links:
    """A link from each target word to the source word that it looks at most, the first one if several; none if nowhere.

    >>> sorted(hard_links([[0.1, 0.9], [0.8, 0.2]]))
    [(0, 1), (1, 0)]

    Args:
        weights: (target words, source words), see `word_weights`.
    """
    weights = np.asarray(weights)
    if not weights.size:
        return frozenset()
    rows = enumerate(zip(weights.argmax(axis=1), weights.max(axis=1), strict=True))
    return frozenset((int(source), target) for target, (source, most) in rows if most > 0)


def _membership(tokens: Sequence[str]) -> np.ndarray:
    """(words, tokens) float32, 1 where the token is a piece of the word."""
    numbers = word_numbers(tokens)
    return (np.arange(1 + max(numbers, default=-1))[:, None] == numbers[None, :]).astype("float32")
