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
    arrays, (first, second) = subject.arrays(), (_made(subject), _made(subject))
    for weight, one, other in zip(first.weights, first.get_weights(), second.get_weights(), strict=True):
        yield same(f"first value of {weight.path}", one, other)
    yield from _both(subject, "a second call without training", subject.ask(arrays), subject.ask(arrays))
    if "training" not in subject.call_names:
        return
    one, other, again = (_trained(subject, layer, arrays) for layer in (first, second, second))
    yield from _both(subject, "training with the same seed", one, other)
    wanted = "other numbers" if "random" in subject.claims else "the same numbers"
    yield said("a second call in training", _moved(other, again), wanted)
    if "seed" in first.get_config() and "random" in subject.claims:
        yield from _seeded(subject, arrays)


def _made(subject: Subject) -> Any:
    keras.utils.set_random_seed(1)
    layer = subject.specimen.make()
    subject.specimen.call(layer, tensors(subject.arrays()))
    return layer


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
