"""Encoder and step as a SavedModel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy
from keras_attn.testing.model_promises.sizes import CLOSE, other
from keras_attn.testing.model_subject import SAVED, ModelSubject
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, same


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Saved with unknown sizes and loaded: the same numbers on other sentences than it was traced with."""
    needs(backend.name() == "tensorflow", "TensorFlow only")
    loaded = subject.loaded or load([subject])[subject.name]
    for name, given in other(subject).items():
        wanted = getattr(subject.views(), name)(given)
        for one, expected in zip(*map(tree.flatten, (numpy(loaded[name](given)), numpy(wanted))), strict=True):
            yield same(f"an output of the loaded {name}", one, expected, CLOSE)


def load(subjects: list[ModelSubject]) -> dict[str, dict[str, Callable[[Any], Any]]]:
    """All of them through one SavedModel, which is faster than one for each."""
    keys = {f"{name}{index}": it.graphs[name] for index, it in enumerate(subjects) for name in SAVED}
    found = backend.saved(keys, [getattr(it.views(), name) for it in subjects for name in SAVED])
    return {
        it.name: {name: functools.partial(found, f"{name}{index}") for name in SAVED}
        for index, it in enumerate(subjects)
    }
