"""A layer comes back from its configuration."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

from keras import tree

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, said, same
from keras_attn.testing.subject import Subject

DTYPES = ("mixed_bfloat16", "float64")


def look(subject: Subject) -> Iterator[Statement]:
    """Every option is in it, it survives JSON, and what is rebuilt gives the same numbers and keeps what was set."""
    layer, specimen = subject.layer(), subject.specimen
    config = layer.get_config()
    missing = [option for option in options(type(layer)) if option not in config]
    yield said("options missing from the configuration", missing, [])
    again = type(layer).from_config(json.loads(json.dumps(config)))
    yield said("configuration of the rebuilt layer", unbuilt(again.get_config()), unbuilt(config))
    specimen.call(again, tensors(specimen.arrays()))
    yield said("number of weights of the rebuilt layer", len(again.get_weights()), len(layer.get_weights()))
    again.set_weights(layer.get_weights())
    rebuilt = numpy(specimen.call(again, tensors(specimen.arrays())))
    for (_, spec), new, old in zip(
        subject.results, tree.flatten(rebuilt), tree.flatten(subject.outputs()), strict=True
    ):
        yield same(f"{spec.dimensions} of the rebuilt layer", new, old)
    for dtype in DTYPES:
        plain = specimen.make()
        other = type(plain).from_config({**plain.get_config(), "name": "mine", "dtype": dtype, "trainable": False})
        other = type(plain).from_config(other.get_config())
        kept = (other.name, other.dtype_policy.name, other.trainable)
        yield said("name, dtype policy and trainable of the rebuilt layer", kept, ("mine", dtype, False))


def options(kind: type) -> list[str]:
    """The named arguments of a class's constructor."""
    found = inspect.signature(kind).parameters.values()
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def unbuilt(config: Any) -> Any:
    """A configuration without the shapes that sublayers were built with; tuples as JSON has them."""
    if isinstance(config, list | tuple):
        return [unbuilt(part) for part in config]
    if isinstance(config, dict):
        return {name: unbuilt(part) for name, part in config.items() if name != "build_config"}
    return config
