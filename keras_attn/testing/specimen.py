"""What the suite needs to know of a layer: how it is made, what it is given, what comes out, what it claims.

Sizes are primes, and no two dimensions of one specimen have the same, so that no transpose hides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers, tree

SIZES = {
    "batch": 2,
    "query_length": 3,
    "key_length": 5,
    "heads": 7,
    "units": 11,
    "features": 13,
    "key_features": 17,
    "embedding": 19,
    "below": 23,
    "hidden": 29,
    "query_features": 31,
    "height": 11,
    "width": 13,
    "channels": 17,
    "rows": 3,
    "experts": 5,
    "one": 1,
}
LENGTHS = {"query_length": (3, 2), "key_length": (5, 3)}  # of the two examples: the second ends in padding
UNKNOWN = ("batch", "query_length", "key_length", "height", "width")


@dataclass(frozen=True)
class Spec:
    """The dimensions of one tensor, by name.

    Args:
        dimensions: names in `SIZES`, separated by blanks.
        kind: "float"; "mask", boolean, True = may look; or "weights", attention weights, whose last two dimensions
            are who looks and what is looked at.
    """

    dimensions: str
    kind: str = "float"

    @property
    def names(self) -> list[str]:
        return self.dimensions.split()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(SIZES[name] for name in self.names)

    @property
    def open_shape(self) -> tuple[int | None, ...]:
        """The shape with batch, lengths, height and width unknown."""
        return tuple(None if name in UNKNOWN else SIZES[name] for name in self.names)

    @property
    def mask(self) -> bool:
        return self.kind == "mask"

    def draw(self, random: np.random.Generator) -> np.ndarray:
        if not self.mask:
            return random.normal(size=self.shape).astype("float32")
        mask = np.arange(self.shape[-1]) < np.array(LENGTHS[self.names[-1]])[:, None]
        return np.broadcast_to(mask if len(self.shape) == 2 else mask[:, None], self.shape)


@dataclass(frozen=True)
class Specimen:
    """A layer, the arguments of its call, the dimensions of what comes out, and what it claims.

    Args:
        name: for tables and messages.
        make: makes a new layer; the layer must be the same, and without weights yet, at every call.
        arguments: call argument -> `Spec`, or a nest of them.
        outputs: a `Spec` or a nest of them.
        options: further call arguments that are no tensors.
        claims: what holds of this layer and not of every one:
            "sums to one": attention weights do, over what may be seen;
            "positive": every key that may be seen has a weight above zero;
            "key order": keys with their values and masks in another order give the same context;
            "causal": position i of the output depends on no later position of the first argument;
            "random": outputs are drawn anew at every call in training.
    """

    name: str
    make: Callable[[], layers.Layer]
    arguments: dict[str, Any]
    outputs: Any
    options: dict[str, Any] = field(default_factory=dict)
    claims: frozenset[str] = frozenset({"sums to one", "positive", "key order"})

    def arrays(self) -> dict[str, Any]:
        """Arguments as NumPy arrays, the same at every call."""
        random = np.random.default_rng(1)
        return tree.map_structure(lambda spec: spec.draw(random), self.arguments)

    def symbols(self, unknown: bool) -> dict[str, Any]:
        """Arguments as Keras inputs; batch and lengths may be unknown."""

        def symbol(spec: Spec) -> Any:
            shape = spec.open_shape if unknown else spec.shape
            return keras.Input(batch_shape=shape, dtype="bool" if spec.mask else None)

        return tree.map_structure(symbol, self.arguments)

    def call(self, layer: layers.Layer, arguments: dict[str, Any], **more: Any) -> Any:
        return layer(**arguments, **self.options, **more)

    def layer(self) -> layers.Layer:
        """A built layer with weights that are not small; always the same."""
        layer = self.make()
        self.call(layer, self.arrays())
        fill(layer.weights)
        return layer

    def model(self, layer: layers.Layer, unknown: bool = True) -> keras.Model:
        """The layer alone in a functional model."""
        inputs = self.symbols(unknown)
        return keras.Model(inputs, self.call(layer, inputs))


def fill(weights: list[Any], seed: int = 0) -> None:
    """Give every weight, biases too, a value that matters; sums over inputs stay of the order of 1."""
    random = np.random.default_rng(seed)
    for weight in weights:
        if "seed" not in weight.path:  # dropout's
            scale = 1 / math.sqrt(weight.shape[0]) if len(weight.shape) == 2 else 0.5
            # An embedding's first dimension sums nothing.
            scale = 0.7 if "embedding" in weight.path else scale
            weight.assign(random.normal(scale=scale, size=weight.shape))
