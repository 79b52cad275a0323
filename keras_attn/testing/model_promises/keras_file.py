"""The three views come back from `.keras` files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
from keras import tree

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.model_subject import ModelSubject, asked
from keras_attn.testing.statement import Statement, said, same


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Saved and loaded: the same numbers; what is shared is still one, and every weight still learns."""
    views = subject.views()
    given = {
        "training": tensors(subject.inputs),
        "encoder": tensors(subject.source()),
        "step": asked(subject.target(), subject.encoded),
    }
    for name, inputs in given.items():
        model = getattr(views, name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "it.keras"
            model.save(path)
            again = keras.models.load_model(path)
        shapes = [[tuple(weight.shape) for weight in it.trainable_weights] for it in (again, model)]
        yield said(f"shapes of the weights of {name} that learn", *shapes)
        for one, other in zip(*(tree.flatten(numpy(it(inputs))) for it in (again, model)), strict=True):
            yield same(f"an output of the loaded {name}", one, other)
