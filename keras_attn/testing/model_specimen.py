"""What the suite needs to know of a model: how its views are made, its vocabularies, what it claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_attn.models import Views
from keras_attn.testing.spec import LENGTHS

START = 2
WORDS = 4  # ids below are padding, unknown, start, end


@dataclass(frozen=True)
class ModelSpecimen:
    """A model of source and target ids.

    Args:
        name: for tables and messages.
        make: makes new views, the same at every call.
        source_vocabulary, target_vocabulary: number of ids of each side; 0 is padding.
        claims: of "sums to one" and "positive", as of layers.
        remakable: whether `make` makes new layers, in the dtype policy of the moment, whose weights may be changed.
    """

    name: str
    make: Callable[[], Views]
    source_vocabulary: int
    target_vocabulary: int
    claims: frozenset[str] = frozenset({"sums to one", "positive"})
    remakable: bool = True

    def source(self, seed: int = 2, lengths: tuple[int, ...] = LENGTHS["key_length"]) -> np.ndarray:
        """Ids (batch, source_length), padded with 0."""
        return drawn(seed, self.source_vocabulary, lengths)

    def target(self, seed: int = 3, lengths: tuple[int, ...] = LENGTHS["query_length"]) -> np.ndarray:
        """Ids (batch, target_length) as a decoder reads them: start, then tokens; padded with 0."""
        target = drawn(seed, self.target_vocabulary, lengths)
        target[:, 0] = START
        return target


def drawn(seed: int, vocabulary: int, lengths: tuple[int, ...]) -> np.ndarray:
    """Ids of words, (batch, longest), padded with 0."""
    ids = np.random.default_rng(seed).integers(WORDS, vocabulary, (len(lengths), max(lengths)), dtype="int32")
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], ids, 0).astype("int32")
