"""No gradient reaches padding in the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import probe, replaced, tensors
from keras_attn.testing.model_subject import ModelSubject, asked, words_first
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, holds


def look(subject: ModelSubject) -> Iterator[Statement]:
    """What is kept of a word receives a gradient, what is kept of padding none."""
    source, memory = subject.source(), subject.encoded["memory"]
    leaves = tree.flatten_with_path(memory)
    paths = [path for path, leaf in leaves if leaf.dtype.kind == "f" and words_first(leaf).shape[1] == source.shape[1]]
    needs(paths, "the memory has nothing for each word")
    step = subject.views().step

    def number(floats: list) -> Any:
        given = tensors(memory)
        for path, tensor in zip(paths, floats, strict=True):
            given = replaced(given, path, tensor)
        logits = step(asked(subject.target(), {**subject.encoded, "memory": given}))["logits"]
        return probe(logits), logits

    found, _, _ = backend.gradients(number, [dict(leaves)[path] for path in paths], step)
    for path, gradient in zip(paths, found, strict=True):
        size = np.abs(words_first(gradient)).reshape(*source.shape, -1).max(-1)  # (batch, source_length)
        name = f"size of the gradient of {' '.join(map(str, path))}"
        yield holds(f"{name} on padding", (size == 0) | (source != 0), size, "0")
        if "positive" in subject.claims:
            yield holds(f"{name} on words", (size > 0) | (source == 0), size, "above 0")
