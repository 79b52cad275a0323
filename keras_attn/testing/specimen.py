"""What the suite needs to know of a layer: how it is made, what it is given, what comes out, what it claims."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers, tree

from keras_attn.testing.spec import LENGTHS as LENGTHS
from keras_attn.testing.spec import SIZES as SIZES
from keras_attn.testing.spec import Spec as Spec

CLAIMS = {
    "sums to one": "attention weights do, over what may be seen",
    "positive": "every key that may be seen has a weight above zero",
    "key order": "keys in another order, their values and masks with them, give the same context",
    "causal": "position i of the output depends on no later position of the first argument",
    "random": "outputs are drawn anew at every call in training",
    "cache": "`start(batch, length)` and `step(x, position, cache)` give in pieces what a causal call gives at once",
    "more than context": "the first output is not context alone (a residual, a bias), so it need not be zero where "
    "nothing may be seen",
    "jumps": "a small change of the scores may change which key is read, so narrow floats need not come close",
}
USUAL = frozenset({"sums to one", "positive", "key order"})


@dataclass(frozen=True)
class Specimen:
    """A layer, the arguments of its call, the dimensions of what comes out, and what it claims.

    Args:
        name: for tables and messages.
        make: makes a new layer; the layer must be the same, and without weights yet, at every call.
        arguments: call argument -> `Spec`, or a nest of them. A mask is bound by its dimensions: it says who may look
            where in weights that have the same ones. `query_mask` is about who looks.
        outputs: a `Spec` or a nest of them.
        options: further call arguments that are no tensors.
        claims: names in `CLAIMS`: what holds of this layer and not of every one.
        sees: a rule about who may look where besides masks and `use_causal_mask`, such as a window: arrays of the
            arguments -> booleans broadcastable to the weights.
    """

    name: str
    make: Callable[[], layers.Layer]
    arguments: dict[str, Any]
    outputs: Any
    options: dict[str, Any] = field(default_factory=dict)
    claims: frozenset[str] = USUAL
    sees: Callable[[dict[str, Any]], Any] | None = None

    def arrays(self, **sizes: int) -> dict[str, Any]:
        """Arguments as NumPy arrays, the same at every call; `sizes` of dimensions replace those in `SIZES`."""
        random, arrays = np.random.default_rng(1), []
        for path, spec in tree.flatten_with_path(self.arguments):
            array = spec.draw(random, **sizes)
            if path[-1] == "key_mask":  # it hides what the value's mask does not
                array = np.broadcast_to(np.arange(array.shape[-1]) != 1, array.shape)
            arrays.append(array)
        return tree.pack_sequence_as(self.arguments, arrays)

    def symbols(self, unknown: bool) -> dict[str, Any]:
        """Arguments as Keras inputs; batch and lengths may be unknown."""

        def symbol(path: tuple, spec: Spec) -> Any:
            shape = spec.open_shape if unknown else spec.shape
            return keras.Input(batch_shape=shape, dtype=spec.dtype, name="_".join(map(str, path)))

        symbols = [symbol(path, spec) for path, spec in tree.flatten_with_path(self.arguments)]
        return tree.pack_sequence_as(self.arguments, symbols)

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
