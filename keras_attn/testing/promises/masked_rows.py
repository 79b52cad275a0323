"""Where nothing may be seen: zero context, zero weights, no NaN in values or gradients, in every float type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing import arrays as nests
from keras_attn.testing import backend, masks
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.statement import Statement, finite, holds, said
from keras_attn.testing.subject import Subject

NARROW = ("float16", "bfloat16")  # -1e9 is minus infinity in the one, and swallows scores in both
POLICIES = ("float32", *NARROW, "mixed_float16", "mixed_bfloat16")


def look(subject: Subject) -> Iterator[Statement]:
    """Each mask in turn hides everything from the second example."""
    needs(subject.masks, "no mask among the arguments")
    rule = masks.rule(subject.specimen)
    policies: tuple[str, ...] = (*POLICIES, "float64") if backend.name() == "tensorflow" else POLICIES
    for path, mask in subject.masks.items():
        if masks.axes(path, mask, rule) is None:
            continue
        array = dict(tree.flatten_with_path(subject.arrays()))[path].copy()
        array[1] = False
        arrays, hidden = nests.replaced(subject.arrays(), path, array), f"{'.'.join(map(str, path))} all False"
        for policy in policies:
            yield from _nothing_seen(subject, arrays, policy, f"in {policy}, {hidden}")
        for policy in NARROW:
            yield from _loud(subject, arrays, policy, f"in {policy}, loud, {hidden}")
        policies = ("float32", "float16")  # a mask of its own kind is enough for the other types


def _loud(subject: Subject, arrays: Any, policy: str, when: str) -> Iterator[Statement]:
    """Inputs of eight times the size: scores that a large negative number, added where one may not look, overflows."""
    loud = tree.map_structure(
        lambda spec, array: array * array.dtype.type(8) if spec.real else array, subject.specimen.arguments, arrays
    )
    outputs = subject.ask(loud, policy)
    for (_, spec), array in zip(subject.results, tree.flatten(outputs), strict=True):
        yield finite(f"{spec.dimensions} {when}", array)


def _nothing_seen(subject: Subject, arrays: Any, policy: str, when: str) -> Iterator[Statement]:
    layer, paths = subject.layer(policy), [path for path, spec in subject.leaves if spec.real]
    given = dict(tree.flatten_with_path(arrays))

    def number(floats: list) -> Any:
        nest = nests.tensors(arrays)
        for path, tensor in zip(paths, floats, strict=True):
            nest = nests.replaced(nest, path, tensor)
        outputs = subject.specimen.call(layer, nest)
        return nests.probe(outputs), outputs

    inputs, learned, outputs = backend.gradients(number, [given[path] for path in paths], layer)
    for (_, spec), array in zip(subject.results, tree.flatten(outputs), strict=True):
        yield finite(f"{spec.dimensions} {when}", array)
    yield from _zero(subject, arrays, outputs, when)
    for path, gradient in zip(paths, inputs, strict=True):
        yield finite(f"gradient of {'.'.join(map(str, path))} {when}", gradient)
    for weight, gradient in zip(layer.trainable_weights, learned, strict=True):
        yield finite(f"gradient of {weight.path} {when}", gradient)
    yield from _no_leak(subject, arrays, dict(zip(paths, inputs, strict=True)), when)


def _zero(subject: Subject, arrays: Any, outputs: Any, when: str) -> Iterator[Statement]:
    """Weights and context of who sees nothing; and who sees something still does."""
    rule, by_path = masks.rule(subject.specimen), subject.named(outputs)
    for path, spec in subject.attending.items():
        may, array = subject.visible(arrays, spec), by_path[path]
        nothing = ~may.any(-1, keepdims=True) & masks.judged(subject.specimen, arrays, spec)[..., None]
        yield holds(f"weights {when}", (array == 0) | ~nothing, array, "0")
        if "sums to one" in subject.claims and may.any():
            seen = bool((array.sum(-1)[may.any(-1)] > 0.9).any())
            yield said(f"those who see something {when}", "look" if seen else "do not look", "look")
    read = masks.context(subject.specimen)
    if read is not None and "more than context" not in subject.claims:
        nothing = masks.blind(subject.specimen, arrays, rule, dict(subject.results)[read])
        yield holds(f"context {when}", (by_path[read] == 0) | ~nothing, by_path[read], "0")


def _no_leak(subject: Subject, arrays: Any, gradients: dict[tuple, np.ndarray], when: str) -> Iterator[Statement]:
    """What nobody of the second example sees gets no gradient from it."""
    rule = masks.rule(subject.specimen)
    path = masks.context(subject.specimen)
    only_read = all(where == path or spec.kind == "weights" for where, spec in subject.results)
    for where, spec in subject.leaves:
        looked_at = spec.real and spec.names[0] == "batch" and rule.names[-1] in spec.names
        itself = where == subject.first[0] and (not only_read or "more than context" in subject.claims)
        if looked_at and not itself and not subject.visible(arrays, rule)[1].any():
            gradient = gradients[where][1]
            yield holds(f"gradient of {'.'.join(map(str, where))} {when}", gradient == 0, gradient, "0")
