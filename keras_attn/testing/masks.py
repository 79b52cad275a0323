"""Who may look where by the arguments of a call: the rule, written once more in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import Spec
from keras_attn.testing.specimen import Specimen


def masks(specimen: Specimen) -> dict[tuple, Spec]:
    """The masks among the arguments, by path."""
    return {path: spec for path, spec in tree.flatten_with_path(specimen.arguments) if spec.mask}


def sizes(specimen: Specimen, arrays: Any) -> dict[str, int]:
    """The sizes of the dimensions of these arrays."""
    pairs = zip(tree.flatten(specimen.arguments), tree.flatten(arrays), strict=True)
    return {name: size for spec, array in pairs for name, size in zip(spec.names, array.shape, strict=True)}


def axes(path: tuple, mask: Spec, weights: Spec) -> list[int] | None:
    """The axes of the weights that a mask is about, from its dimensions; None if it is about something else."""
    names, found = list(weights.names), []
    if path[-1] == "query_mask":
        names = names[:-1]
    for name in reversed(mask.names):
        while names and names[-1] != name:
            names.pop()
        if not names:
            return None
        names.pop()
        found.append(len(names))
    return found[::-1]


def visible(specimen: Specimen, arrays: Any, weights: Spec) -> np.ndarray:
    """Who may look where, in the shape of the weights."""
    shape = weights.sized(**sizes(specimen, arrays))
    may = np.ones(shape, bool)
    given = dict(tree.flatten_with_path(arrays))
    for path, mask in masks(specimen).items():
        about = axes(path, mask, weights)
        if about is not None:
            may &= np.expand_dims(given[path], [axis for axis in range(len(shape)) if axis not in about])
    if _causal(specimen, weights):
        may &= np.tri(shape[-2], shape[-1]) > 0
    if specimen.sees:
        may &= np.asarray(specimen.sees(arrays), bool)
    return may


def _causal(specimen: Specimen, weights: Spec) -> bool:
    looks_at_itself = weights.names[-1] in weights.names[:-1]
    return specimen.options.get("use_causal_mask", False) or ("causal" in specimen.claims and looks_at_itself)


def judged(specimen: Specimen, arrays: Any, weights: Spec) -> np.ndarray:
    """Who must follow the rule, in the shape of the weights without their last axis.

    Where a sequence looks at itself, one mask is about who is looked at. Whether its padding looks, nobody asks.
    """
    rows = np.ones(weights.sized(**sizes(specimen, arrays))[:-1], bool)
    last = weights.names[-1]
    if last in weights.names[:-1]:
        for path, array in tree.flatten_with_path(arrays):
            mask = masks(specimen).get(path)
            if mask and mask.names == ["batch", last]:
                axis = weights.names.index(last)
                rows &= np.expand_dims(array, [i for i in range(rows.ndim) if i not in (0, axis)])
    return rows


def context(specimen: Specimen) -> tuple | None:
    """The path of what was read among the outputs: the first, or "context" of a dict that comes first."""
    path: tuple = ()
    first = specimen.outputs
    if isinstance(first, list | tuple):
        path, first = (0,), first[0]
    if isinstance(first, dict):
        return (*path, "context") if "context" in first else None
    return path if isinstance(first, Spec) and first.kind == "float" else None


def attending(specimen: Specimen) -> dict[tuple, Spec]:
    """The attention weights among the outputs, by path."""
    return {path: spec for path, spec in tree.flatten_with_path(specimen.outputs) if spec.kind == "weights"}


def rule(specimen: Specimen) -> Spec:
    """The dimensions of who looks at what; without weights among the outputs, from context and masks.

    Raises:
        NotApplicable: there is no such thing.
    """
    for spec in attending(specimen).values():
        return spec
    path = context(specimen)
    lasts = [mask.names[-1] for path, mask in masks(specimen).items() if path[-1] != "query_mask"]
    needs(path is not None and lasts, "no attention weights, and no mask over what is looked at")
    read = dict(tree.flatten_with_path(specimen.outputs))[path]
    looking = ["query_length"] if "query_length" in read.names and lasts[-1] != "query_length" else []
    return Spec(" ".join(["batch", *looking, lasts[-1]]), "weights")


def blind(specimen: Specimen, arrays: Any, weights: Spec, read: Spec) -> np.ndarray:
    """Where nothing may be seen, broadcastable to what was read."""
    nothing = ~visible(specimen, arrays, weights).any(-1) & judged(specimen, arrays, weights)
    names = weights.names[:-1]
    for axis in reversed(range(len(names))):
        if names[axis] not in read.names:
            nothing = nothing.all(axis)
    kept = [name for name in names if name in read.names]
    return np.expand_dims(nothing, [axis for axis, name in enumerate(read.names) if name not in kept])
