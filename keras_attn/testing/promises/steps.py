"""In pieces as at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import SIZES, Spec
from keras_attn.testing.specimen import fill
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 5e-6
CUTS = ((1, 1, 1), (2, 1), (1, 2))


def look(subject: Subject) -> Iterator[Statement]:
    """Token by token, or a prompt and then tokens, gives what the whole sequence gives."""
    layer = subject.layer()
    if _carries_state(subject):
        yield from _with_state(subject)
    elif "cache" in subject.claims or (hasattr(layer, "start") and hasattr(layer, "step")):
        yield from _with_cache(subject)
    else:
        needs(False, "neither a state goes in and comes out, nor has the layer `start` and `step`")


def _carries_state(subject: Subject) -> bool:
    outputs = subject.specimen.outputs
    state = subject.specimen.arguments.get("state")
    return state is not None and isinstance(outputs, tuple) and tree.flatten(outputs[-1]) == tree.flatten(state)


def _with_state(subject: Subject) -> Iterator[Statement]:
    arrays, (*whole, last) = subject.arrays(), subject.outputs()
    name = next(iter(subject.specimen.arguments))
    for cuts in CUTS:
        state, start, pieces = arrays["state"], 0, []
        for length in cuts:
            piece = arrays[name][:, start : start + length]
            more: dict[str, Any] = {"position": start} if "position" in subject.call_names else {}
            *parts, state = subject.ask({**arrays, name: piece, "state": state}, **more)
            pieces.append(parts)
            start += length
        specs = tree.flatten(subject.specimen.outputs[:-1])
        joined = [_join(spec, found) for spec, *found in zip(specs, *map(tree.flatten, pieces), strict=True)]
        for spec, one, other in zip(specs, joined, tree.flatten(whole), strict=True):
            yield same(f"{spec.dimensions} in pieces of {cuts}", one, other, CLOSE)
        for one, other in zip(tree.flatten(state), tree.flatten(last), strict=True):
            yield same(f"state after pieces of {cuts}", one, other, CLOSE)


def _join(spec: Spec, pieces: list[Any]) -> np.ndarray:
    return np.concatenate(pieces, spec.names.index("query_length"))


def _with_cache(subject: Subject) -> Iterator[Statement]:
    """`start(batch, length)` gives a cache, `step(x, position, cache)` an output and the cache after it."""
    layer = subject.specimen.make()
    batch, length = SIZES["batch"], sum(CUTS[0])
    x = np.random.default_rng(8).normal(size=(batch, length, SIZES["features"])).astype("float32")
    layer(tensors(x), tensors(x))  # it looks at itself, so it is built for one width
    fill(layer.weights)
    whole = numpy(layer(tensors(x), tensors(x), use_causal_mask=True))
    for cuts in CUTS:
        cache, start, pieces = layer.start(batch, length), 0, []
        for size in cuts:
            output, cache = layer.step(tensors(x[:, start : start + size]), start, cache)
            pieces.append(numpy(output))
            start += size
        yield same(f"output in pieces of {cuts}", np.concatenate(pieces, 1), whole, CLOSE)
