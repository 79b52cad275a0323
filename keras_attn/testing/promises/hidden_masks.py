"""A mask that Keras carries along says what the same mask given as an argument says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from keras import tree

from keras_attn.testing.arrays import numpy, replaced, tensors
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 2e-6


def look(subject: Subject) -> Iterator[Statement]:
    """Masks of arguments come hidden, as behind an `Embedding(mask_zero=True)`: the same numbers."""
    pairs = dict(_pairs(subject))
    needs(pairs, "no argument comes with a mask of its own (`<argument>_mask`)")
    plain = tensors(subject.arrays())
    given, hidden = dict(tree.flatten_with_path(plain)), plain
    for path, owner in pairs.items():
        hidden = replaced(hidden, owner, _Hide(given[path])(given[owner]))
    hidden = {name: nest for name, nest in hidden.items() if name not in {path[0] for path in pairs}}
    found = numpy(subject.specimen.call(subject.layer(), hidden))
    for (_, spec), one, other in zip(
        subject.results, tree.flatten(found), tree.flatten(subject.outputs()), strict=True
    ):
        yield same(f"{spec.dimensions} with hidden masks", one, other, CLOSE)


def _pairs(subject: Subject) -> Iterator[tuple[tuple, tuple]]:
    """Path of a mask, path of the argument that it belongs to."""
    paths = {path for path, spec in subject.leaves if not spec.mask}
    for path in subject.masks:
        if path[0] == "mask" and len(subject.specimen.arguments) == 2:
            owner = (subject.first[0][0], *path[1:])
        else:
            owner = (str(path[0]).removesuffix("_mask"), *path[1:])
        if owner in paths and owner != path:
            yield path, owner


class _Hide(keras.layers.Layer):
    """Gives its input a hidden mask."""

    def __init__(self, mask: Any):
        super().__init__()
        self.mask, self.supports_masking = mask, True

    def call(self, inputs: Any) -> Any:
        return keras.ops.copy(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask
