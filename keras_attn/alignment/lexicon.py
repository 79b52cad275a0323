"""How likely each word of one language becomes which of the other, learned from pairs of sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 20_000  # pairs of sentences, whose words are paired in memory


@dataclass(frozen=True)
class Lexicon:
    """t(target | source) of each pair of words that was seen.

    Args:
        source, target: (pairs,) ids, in order of the source.
        probability: (pairs,) float64; those of one source word sum to 1.
    """

    source: np.ndarray
    target: np.ndarray
    probability: np.ndarray


def learn_lexicon(
    sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, iterations: int = 5, null: bool = True
) -> Lexicon:
    """IBM Model 1: every target word comes from one source word, from any of them as likely.

        p(i | k) = t(f_k | e_i) / sum_j t(f_k | e_j)
        t(f | e) = sum of p(i | k) over all k, i with f_k = f, e_i = e, over the same sum for all f

    Args:
        sources, targets: ids of pairs, one list each.
        iterations: of expectation maximization, begun with all words as likely.
        null: whether a target word may also come from no source word; that one has the id 0.

    Source: Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1.
    """
    width = 1 + max((int(np.max(target)) for target in targets if len(target)), default=0)
    seen = [np.unique(source * width + target) for source, target, _ in _beside(sources, targets, null)]
    pairs = np.unique(np.concatenate(seen)) if seen else np.zeros(0, "int64")
    by, into = np.divmod(pairs, width)
    probability = np.ones(len(pairs))
    for _ in range(iterations):
        expected = np.zeros(len(pairs))
        for source, target, word in _beside(sources, targets, null):
            pair = np.searchsorted(pairs, source * width + target)
            share = probability[pair]
            share /= np.bincount(word, share)[word]
            expected += np.bincount(pair, share, len(pairs))
        probability = expected / np.bincount(by, expected)[by]
    return Lexicon(by, into, probability)


def _beside(
    sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], null: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All pairs of a source and a target word of one sentence, and the number of the target word, part by part."""
    for first in range(0, len(sources), _AT_ONCE):
        parts: list[tuple] = []
        words = 0
        for given, target in zip(sources[first : first + _AT_ONCE], targets[first : first + _AT_ONCE], strict=True):
            source = np.append(given, 0) if null else np.asarray(given)
            number = np.arange(words, words + len(target))
            words += len(target)
            parts.append((np.tile(source, len(target)), *(np.repeat(x, len(source)) for x in (target, number))))
        joined = [np.concatenate(part).astype("int64") for part in zip(*parts, strict=True)]
        yield joined[0], joined[1], joined[2]
