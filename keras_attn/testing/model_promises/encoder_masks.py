"""The memory knows which of its places are padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from keras import tree

from keras_attn.testing.model_subject import ModelSubject, words_first
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, same

CLOSE = 2e-6


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Masks are True on words and False on padding; the memory is the same in a longer batch; padding is not read."""
    source = subject.source()
    longer = np.pad(source, ((0, 0), (0, 4)))
    memory = subject.encoded["memory"]
    needs(memory, "nothing is kept of the source but the first state")
    again = subject.memory(longer)
    for (path, leaf), other in zip(tree.flatten_with_path(memory), tree.flatten(again), strict=True):
        name, leaf, other = " ".join(map(str, path)), words_first(leaf), words_first(other)
        if leaf.shape[1] != source.shape[1]:  # not one entry for each word
            yield same(f"{name} in a longer batch", other, leaf, CLOSE)
            continue
        words = (source != 0).reshape(*source.shape, *[1] * (leaf.ndim - 2))
        if path[-1] == "mask":
            yield same(name, leaf, source != 0)
            yield same(f"{name} in a longer batch", other, longer != 0)
        else:
            shorter = other[:, : source.shape[1]]
            yield same(f"{name} in a longer batch", np.where(words, shorter, 0), np.where(words, leaf, 0), CLOSE)
    yield from _padding_is_not_read(subject)


def _padding_is_not_read(subject: ModelSubject) -> Iterator[Statement]:
    source, random = subject.source(), np.random.default_rng(9)

    def other(leaf: np.ndarray) -> np.ndarray:
        leaf = words_first(leaf)
        if leaf.shape[1] != source.shape[1] or leaf.dtype.kind != "f":
            return words_first(leaf)
        words = (source != 0).reshape(*source.shape, *[1] * (leaf.ndim - 2))
        return words_first(np.where(words, leaf, 30 * random.normal(size=leaf.shape)).astype(leaf.dtype))

    refilled = {**subject.encoded, "memory": tree.map_structure(other, subject.encoded["memory"])}
    logits = subject.step(subject.target(), refilled)["logits"]
    yield same("logits with other content in the memory's padding", logits, subject.logits, 5e-6)
