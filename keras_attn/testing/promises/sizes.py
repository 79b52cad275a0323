"""One graph for every batch and length."""

from __future__ import annotations

from collections.abc import Iterator

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 5e-6  # graphs fuse differently
OTHER = {"batch": 3, "query_length": 2, "key_length": 7, "height": 7, "width": 5}
ONE = {"batch": 1, "query_length": 1, "key_length": 2}


def look(subject: Subject) -> Iterator[Statement]:
    """Traced once with unknown sizes, it gives for any what the layer gives."""
    tensorflow = backend.name() == "tensorflow"
    function = subject.graph if tensorflow else subject.specimen.model(subject.layer())
    for sizes in ({}, OTHER, ONE):
        arrays = subject.arrays(**sizes)
        found, wanted = tree.flatten(numpy(function(tensors(arrays)))), tree.flatten(subject.ask(arrays))
        for (_, spec), one, other in zip(subject.results, found, wanted, strict=True):
            yield same(f"{spec.dimensions} with {sizes or 'the usual sizes'}", one, other, CLOSE)
