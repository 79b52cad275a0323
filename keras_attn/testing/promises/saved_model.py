"""The layer as a SavedModel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.promises.sizes import CLOSE, OTHER
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject


def look(subject: Subject) -> Iterator[Statement]:
    """Saved with unknown sizes and loaded: the same numbers, of other sizes too."""
    needs(backend.name() == "tensorflow", "TensorFlow only")
    loaded = subject.loaded or load([subject])[subject.name]
    for sizes in ({}, OTHER):
        arrays = subject.arrays(**sizes)
        found = tree.flatten(numpy(loaded(tensors(arrays))))
        wanted = tree.flatten(subject.ask(arrays))
        for (_, spec), one, other in zip(subject.results, found, wanted, strict=True):
            yield same(f"{spec.dimensions} of the loaded graph", one, other, CLOSE)


def load(subjects: list[Subject]) -> dict[str, Callable[[Any], Any]]:
    """All of them through one SavedModel, which is faster than one for each."""
    keys = {f"it{index}": subject for index, subject in enumerate(subjects)}
    found = backend.saved({key: it.graph for key, it in keys.items()}, [it.layer() for it in subjects])
    return {subject.name: functools.partial(found, key) for key, subject in keys.items()}
