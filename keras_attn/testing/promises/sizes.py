"""One graph for every batch and length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 2e-6  # graphs fuse differently
OTHER = {"batch": 3, "query_length": 2, "key_length": 7, "height": 7, "width": 5}
ONE = {"batch": 1, "query_length": 1, "key_length": 2}


def look(subject: Subject) -> Iterator[Statement]:
    """Traced once with unknown sizes, it gives for any what a layer made for these sizes gives."""
    tensorflow = backend.name() == "tensorflow"
    function = subject.graph if tensorflow else subject.specimen.model(subject.layer())
    for sizes in ({}, OTHER, ONE):
        arrays = subject.arrays(**sizes)
        found, wanted = numpy(function(tensors(arrays))), _made_for(subject, arrays)
        for (_, spec), one, other in zip(subject.results, tree.flatten(found), tree.flatten(wanted), strict=True):
            yield same(f"{spec.dimensions} with {sizes or 'the usual sizes'}", one, other, CLOSE)


def _made_for(subject: Subject, arrays: Any) -> Any:
    """What comes out of a layer with the same weights that has seen no other sizes."""
    layer = subject.specimen.make()
    subject.specimen.call(layer, tensors(arrays))
    layer.set_weights(subject.layer().get_weights())
    return numpy(subject.specimen.call(layer, tensors(arrays)))
