"""Every weight learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import probe, replaced, tensors
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, finite, said
from keras_attn.testing.subject import Subject


def look(subject: Subject) -> Iterator[Statement]:
    """Each weight receives a gradient that is not zero, in training."""
    layer = subject.layer()
    needs(layer.trainable_weights, "no weights")
    more = {"training": True} if "training" in subject.call_names else {}
    for weight, gradient in zip(layer.trainable_weights, of(subject, **more)[1], strict=True):
        yield finite(f"gradient of {weight.path}", gradient)
        came = "no gradient" if not np.abs(gradient).max() else "a gradient"
        yield said(f"what {weight.path} receives", came, "a gradient")


def of(subject: Subject, **more: Any) -> tuple[dict[tuple, np.ndarray], list[np.ndarray]]:
    """Gradients of a number in which all that comes out counts: of float arguments by path, of weights."""
    layer, arrays = subject.layer(), subject.arrays()
    paths, given = [path for path, spec in subject.leaves if spec.real], dict(tree.flatten_with_path(arrays))

    def number(floats: list) -> Any:
        nest = tensors(arrays)
        for path, tensor in zip(paths, floats, strict=True):
            nest = replaced(nest, path, tensor)
        outputs = subject.specimen.call(layer, nest, **more)
        return probe(outputs), outputs

    others = [(variable, variable.numpy()) for variable in layer.non_trainable_variables]
    inputs, learned, _ = backend.gradients(number, [given[path] for path in paths], layer)
    for variable, value in others:  # a running mean or a state of seeds that training moved
        variable.assign(value)
    return dict(zip(paths, inputs, strict=True)), learned
