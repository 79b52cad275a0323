"""Randomness comes from seeds, and nothing is remembered between calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.statement import Statement, said, same
from keras_attn.testing.subject import Subject


def look(subject: Subject) -> Iterator[Statement]:
    """The same seed, the same weights and numbers, in training too; without training, the same at every call."""
    arrays, trains = subject.arrays(), "training" in subject.call_names
    first, one = _run(subject, trains)
    second, other = _run(subject, trains)
    for weight, before, after in zip(first.weights, *(it[0] for it in (one, other)), strict=True):
        yield same(f"first value of {weight.path}", before, after)
    yield from _both(subject, "a second call without training", subject.ask(arrays), subject.ask(arrays))
    if not trains:
        return
    yield from _both(subject, "training with the same seed", one[1], other[1])
    wanted = "other numbers" if "random" in subject.claims else "the same numbers"
    yield said("a second call in training", _moved(other[1], _trained(subject, second, arrays)), wanted)
    if "seed" in first.get_config() and "random" in subject.claims:
        yield from _seeded(subject, arrays)


def _run(subject: Subject, trains: bool) -> tuple[Any, tuple[list, Any]]:
    """A layer made and called after a seed was set: its first weights, and what comes out in training."""
    keras.utils.set_random_seed(1)
    layer = subject.specimen.make()
    subject.specimen.call(layer, tensors(subject.arrays()))
    return layer, (layer.get_weights(), _trained(subject, layer, subject.arrays()) if trains else None)


def _trained(subject: Subject, layer: Any, arrays: Any) -> Any:
    return numpy(subject.specimen.call(layer, tensors(arrays), training=True))


def _seeded(subject: Subject, arrays: Any) -> Iterator[Statement]:
    """A seed of the layer's own decides, whatever else was drawn before."""
    outputs = []
    for seed in (5, 5, 6):
        layer = type(subject.layer()).from_config({**subject.layer().get_config(), "seed": seed})
        subject.specimen.call(layer, tensors(arrays))
        for weight, value in zip(layer.trainable_weights, subject.layer().trainable_weights, strict=True):
            weight.assign(value)
        outputs.append(_trained(subject, layer, arrays))
    yield from _both(subject, "training with the same `seed` of the layer", *outputs[:2])
    yield said("training with another `seed` of the layer", _moved(*outputs[1:]), "other numbers")


def _moved(one: Any, other: Any) -> str:
    pairs = zip(tree.flatten(one), tree.flatten(other), strict=True)
    return "the same numbers" if all(np.array_equal(a, b) for a, b in pairs) else "other numbers"


def _both(subject: Subject, when: str, one: Any, other: Any) -> Iterator[Statement]:
    for (_, spec), a, b in zip(subject.results, tree.flatten(one), tree.flatten(other), strict=True):
        yield same(f"{spec.dimensions} of {when}", a, b)
