"""The same numbers when compiled."""

from __future__ import annotations

from collections.abc import Iterator

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 2e-6  # XLA fuses differently


def look(subject: Subject) -> Iterator[Statement]:
    """Compiled by XLA: `tf.function(jit_compile=True)`, `jax.jit`."""
    layer = subject.layer()
    function = backend.compiled(lambda arguments: subject.specimen.call(layer, arguments))
    found = tree.flatten(numpy(function(tensors(subject.arrays()))))
    for (_, spec), one, other in zip(subject.results, found, tree.flatten(subject.outputs()), strict=True):
        yield same(f"{spec.dimensions} when compiled", one, other, CLOSE)
