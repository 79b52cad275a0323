"""A corpus that is segmented anew for each epoch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from keras_attn.data.encoded import EncodedPairs
from keras_attn.text.sampler import Sampler
from keras_attn.text.tokenizer import Tokenizer


class SampledPairs:
    """Pairs of text in memory and their ids, drawn for each epoch; a pure function of (seed, epoch).

    >>> text = Tokenizer.train([("a man", "ein Mann")], vocabulary_size=300, model="bpe")
    >>> pairs = SampledPairs([("a man", "ein Mann")], text, alpha=1.0)
    >>> text.source.decode([pairs.epoch(7).source(0)])
    ['a man']
    >>> pairs.plain.source_lengths.tolist(), pairs.epoch(7).source_lengths.tolist()
    ([2], [6])
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]],
        text: Tokenizer,
        alpha: float,
        seed: int = 0,
        *,
        max_source_length: int | None = None,
        max_target_length: int | None = None,
    ):
        """Read the pairs.

        Args:
            pairs: (source, target) strings, read once.
            text: the tokenizer.
            alpha: of both sides, see `Sampler`.
            seed: 0 or more.
            max_source_length, max_target_length: in ids, without start and end. A pair that is longer without sampling
                is left out and counted in `plain.dropped`; one that is drawn longer stays as it is without.

        Raises:
            UserError: as `Sampler`.
        """
        pairs = [(pair[0], pair[1]) for pair in pairs]
        limits = [np.inf if limit is None else limit for limit in (max_source_length, max_target_length)]
        plain = EncodedPairs.encode(pairs, text)
        short = (plain.source_lengths <= limits[0]) & (plain.target_lengths <= limits[1])
        if not short.all():
            pairs = [pair for pair, fits in zip(pairs, short, strict=True) if fits]
            plain = EncodedPairs.encode(pairs, text)
            plain.dropped = int((~short).sum())
        self.plain = plain
        self._seed, self._limits = seed, limits
        self._sides = (
            Sampler(text.source, [pair[0] for pair in pairs], alpha),
            Sampler(text.target, [pair[1] for pair in pairs], alpha),
        )

    def epoch(self, epoch: int) -> EncodedPairs:
        """Return the pairs as drawn for an epoch, counted from 0."""
        drawn = []
        for number, side in enumerate(self._sides):
            ids, ends = side.draw([self._seed, epoch, number])
            drawn.append(np.split(ids, ends[:-1]))
        sources, targets = drawn
        for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
            if len(source) > self._limits[0] or len(target) > self._limits[1]:
                sources[i], targets[i] = self.plain.source(i), self.plain.target(i)
        return EncodedPairs.of_ids(sources, targets)
