"""Texts that are segmented anew at each draw."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from keras_attn.errors import UserError, expect
from keras_attn.text.cleaning import clean
from keras_attn.text.sampling import Draw, Lattice, Merging, Pieces
from keras_attn.text.vocabulary import Vocabulary


class Sampler:
    """Draws segmentations of many texts, the same for the same seed in every process.

    With model `bpe` merges are left out at random (BPE-dropout); with `unigram` a segmentation x is drawn with a
    probability in proportion to p(x)^alpha, so a small alpha draws more evenly. Either way the text is the same.

    >>> vocabulary = Vocabulary.train(["a man rides a horse", "a man eats"], size=280, model="bpe")
    >>> ids, ends = Sampler(vocabulary, ["a horse", "a man"], alpha=1.0).draw(seed=0)
    >>> vocabulary.pieces(ids[: ends[0]])
    ['▁', 'a', '▁', 'h', 'o', 'r', 's', 'e']

    Source: Provilkov et al. 2020, BPE-dropout (arXiv 1910.13267), algorithm 1; Kudo 2018, Subword Regularization
        (arXiv 1804.10959), section 3.3 with l = infinity.
    """

    def __init__(self, vocabulary: Vocabulary, strings: Sequence[str], alpha: float):
        """Cut the texts into words.

        Args:
            vocabulary: of model `bpe` or `unigram`.
            strings: the texts.
            alpha: above 0, at most 1: the probability that a merge is left out, or the exponent.

        Raises:
            UserError: alpha is out of range, or the vocabulary's model has but one segmentation.
        """
        expect(0 < alpha <= 1, "alpha", "a number above 0, at most 1", alpha)
        if isinstance(strings, str):
            raise UserError(f"strings: expected a list of strings, got the string {strings[:40]!r}; put it in a list")
        pieces = Pieces(vocabulary._processor)
        kind = vocabulary.model
        if kind not in ("bpe", "unigram"):
            raise UserError(
                f"vocabulary: expected one of model bpe or unigram to sample from, got {kind}, which has but one "
                'segmentation; train it with model="bpe"'
            )
        self._draw: Draw = Merging(pieces, alpha) if kind == "bpe" else Lattice(pieces, alpha)
        places: dict[str, int] = {}
        which, counts = [], []
        for string in strings:
            seen = vocabulary._processor.normalize(clean(string))
            words = re.findall("\u2581[^\u2581]*|[^\u2581]+", seen) if pieces.apart else [seen] * bool(seen)
            which += [places.setdefault(word, len(places)) for word in words]
            counts.append(len(words))
        self._words, self._which = list(places), np.array(which, np.int64)
        self._ends = np.cumsum(np.array(counts, np.int64))

    def draw(self, seed: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all texts in a row, int32 (ids,), and where each ends, int64 (texts,).

        Args:
            seed: a number, or several, 0 or more.
        """
        ids, lengths = self._draw(self._words, self._which, np.random.default_rng(seed))
        return ids, np.concatenate([[0], np.cumsum(lengths)])[self._ends]
