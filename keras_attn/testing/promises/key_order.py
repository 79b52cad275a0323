"""Attention is over a set: the order of keys does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import SIZES, Spec
from keras_attn.testing.statement import Statement, same
from keras_attn.testing.subject import Subject

CLOSE = 5e-6


def look(subject: Subject) -> Iterator[Statement]:
    """Keys in another order, their values and masks with them: the same context, the weights in that order."""
    needs("key order" in subject.claims, "not claimed")
    needs(not subject.specimen.options.get("use_causal_mask"), "a causal mask is about order")
    needs(any("key_length" in spec.names for _, spec in subject.leaves), "no argument has a key_length")
    order = np.random.default_rng(7).permutation(SIZES["key_length"])

    def shuffled(spec: Spec, array: np.ndarray) -> np.ndarray:
        for axis, name in enumerate(spec.names):
            if name == "key_length":
                array = np.take(array, order, axis)
        return array

    def all_shuffled(specs: Any, arrays: Any) -> Any:
        return tree.map_structure(shuffled, specs, arrays)

    after = subject.ask(all_shuffled(subject.specimen.arguments, subject.arrays()))
    before = all_shuffled(subject.specimen.outputs, subject.outputs())
    for (_, spec), new, old in zip(subject.results, tree.flatten(after), tree.flatten(before), strict=True):
        yield same(f"{spec.dimensions} after the keys changed places", new, old, CLOSE)
