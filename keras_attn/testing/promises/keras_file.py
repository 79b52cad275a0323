"""A functional model with the layer comes back from a `.keras` file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
from keras import tree

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, said, same
from keras_attn.testing.subject import Subject


def look(subject: Subject) -> Iterator[Statement]:
    """Saved and loaded: the same weights, the same numbers."""
    model = subject.specimen.model(subject.layer())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.keras"
        model.save(path)
        again = keras.models.load_model(path)
    shapes = [tuple(weight.shape) for weight in again.trainable_weights]
    yield said("shapes of the weights that learn", shapes, [tuple(weight.shape) for weight in model.trainable_weights])
    arrays = tensors(subject.arrays())
    # A file does not know tuples from lists.
    new, old = (tree.flatten(numpy(it(arrays))) for it in (again, model))
    for (_, spec), one, other in zip(subject.results, new, old, strict=True):
        yield same(f"{spec.dimensions} of the loaded model", one, other)
