"""Padding is nothing: neither its content nor its length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing import masks
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import Spec
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 2e-6
MORE = 4
NOT_LENGTHS = ("batch", "heads")


def look(subject: Subject) -> Iterator[Statement]:
    """Masked positions may hold anything, and there may be more of them."""
    lengths = sorted({name for mask in subject.masks.values() for name in mask.names if name not in NOT_LENGTHS})
    needs(lengths, "no mask among the arguments")
    for name in lengths:
        before = subject.outputs()
        if any(name in spec.names for _, spec in subject.leaves if spec.real):
            yield from _compare(subject, name, before, subject.ask(longer(subject, name)), "after more padding")
            other = subject.ask(refilled(subject, name))
            yield from _compare(subject, name, before, other, "with other content in the padding")


def longer(subject: Subject, name: str) -> Any:
    """The arguments with more padding along a dimension."""
    random = np.random.default_rng(5)

    def more(spec: Spec, array: np.ndarray) -> np.ndarray:
        for axis, dimension in enumerate(spec.names):
            if dimension == name:
                shape = (*array.shape[:axis], MORE, *array.shape[axis + 1 :])
                if spec.kind == "positions":
                    tail = np.broadcast_to(array.shape[axis] + np.arange(MORE), shape)
                else:
                    tail = np.zeros(shape, bool) if spec.mask else 30 * random.normal(size=shape)
                array = np.concatenate([array, tail.astype(array.dtype)], axis)
        return array

    return tree.map_structure(more, subject.specimen.arguments, subject.arrays())


def refilled(subject: Subject, name: str) -> Any:
    """The arguments with other numbers where masks of (batch, that dimension) are False."""
    random, arrays = np.random.default_rng(6), subject.arrays()
    hidden = padded(subject, name)

    def other(spec: Spec, array: np.ndarray) -> np.ndarray:
        if not spec.real or spec.names[:1] != ["batch"] or name not in spec.names or hidden is None:
            return array
        where = np.expand_dims(hidden, [i for i in range(array.ndim) if i not in (0, spec.names.index(name))])
        return np.where(where, 30 * random.normal(size=array.shape), array).astype(array.dtype)

    return tree.map_structure(other, subject.specimen.arguments, arrays)


def padded(subject: Subject, name: str) -> np.ndarray | None:
    """(batch, length) booleans, True where a mask of just these dimensions hides; None if there is no such mask."""
    arrays = dict(tree.flatten_with_path(subject.arrays()))
    hidden = [~arrays[path] for path, mask in subject.masks.items() if mask.names == ["batch", name]]
    return np.logical_or.reduce(hidden) if hidden else None


def _compare(subject: Subject, name: str, before: Any, after: Any, when: str) -> Iterator[Statement]:
    """What is not padding is as before, and nobody looks at what was added."""
    size, hidden = masks.sizes(subject.specimen, subject.arrays())[name], padded(subject, name)
    for (_, spec), old, new in zip(subject.results, tree.flatten(before), tree.flatten(after), strict=True):
        if spec.kind == "weights" and spec.names[-1] == name:
            beyond = new[..., size:]
            if name in spec.names[:-1]:
                beyond = np.take(beyond, range(size), spec.names.index(name))
            yield same(f"weights of padding {when}", beyond, np.zeros_like(beyond))
        along = [axis for axis, dimension in enumerate(spec.names) if dimension == name]
        for axis in along:
            new = np.take(new, range(size), axis)
        for axis in along:
            # What stands at a padded position is nobody's business.
            if hidden is not None and (spec.kind != "weights" or axis < old.ndim - 1):
                new = np.where(np.expand_dims(hidden, [i for i in range(old.ndim) if i not in (0, axis)]), old, new)
        yield same(f"{spec.dimensions} {when}", new, old, CLOSE)
