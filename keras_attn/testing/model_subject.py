"""A model on the table: views made once for each dtype policy."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from keras import ops, tree

from keras_attn.models import Views
from keras_attn.ops import memory
from keras_attn.testing import arrays as nests
from keras_attn.testing import backend
from keras_attn.testing.model_specimen import ModelSpecimen
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.specimen import fill

SAVED = ("encoder", "step")


class ModelSubject:
    """What the promises of models look at.

    Args:
        specimen: the model.
    """

    def __init__(self, specimen: ModelSpecimen):
        self.specimen, self.name = specimen, specimen.name
        self._views: dict[str, Views] = {}
        self.loaded: dict[str, Any] | None = None  # from a SavedModel of many, if somebody made one

    def __repr__(self) -> str:
        return self.name

    @property
    def claims(self) -> frozenset[str]:
        return self.specimen.claims

    def views(self, policy: str = "float32") -> Views:
        """Made once for each dtype policy, with the same weights. Do not train them."""
        if policy not in self._views:
            with nests.policy(policy):
                self._views[policy] = self.specimen.make()
            if self.specimen.remakable:
                fill(self._views[policy].training.weights)
        return self._views[policy]

    def policies(self, *names: str) -> tuple[str, ...]:
        """Those in which views can be made."""
        return names if self.specimen.remakable else ("float32",)

    def needs_making(self) -> None:
        needs(self.specimen.remakable, "views were given, not a function that makes them")

    def source(self, **other: Any) -> np.ndarray:
        return self.specimen.source(**other)

    def target(self, **other: Any) -> np.ndarray:
        return self.specimen.target(**other)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        return {"source": self.source(), "target": self.target()}

    @functools.cached_property
    def logits(self) -> np.ndarray:
        return self.train(self.inputs)

    @functools.cached_property
    def encoded(self) -> dict[str, Any]:
        """Memory and first state, with room for the target in its caches, as NumPy arrays."""
        encoded = self.views().encoder(self.source())
        state = memory.sized(encoded["state"], self.target().shape[1])
        return nests.numpy({"memory": encoded["memory"], "state": state})

    def memory(self, source: Any) -> dict[str, Any]:
        """What the encoder keeps of a source, as NumPy arrays."""
        return nests.numpy(self.views().encoder(source)["memory"])

    @property
    def attends(self) -> bool:
        return bool(self.views().step.output["weights"])

    def needs_weights(self) -> None:
        needs(self.attends, "no attention: `step` puts out no weights")

    def train(self, inputs: Any, policy: str = "float32", **more: Any) -> np.ndarray:
        """The logits of the training view."""
        return nests.numpy(self.views(policy).training(nests.tensors(inputs), **more))

    def step(self, tokens: Any, encoded: Any, position: int = 0, policy: str = "float32") -> dict[str, Any]:
        """One call of the step view, as NumPy arrays; `encoded` is memory and state."""
        return nests.numpy(self.views(policy).step(asked(tokens, encoded, position)))

    @functools.cached_property
    def graphs(self) -> dict[str, Any]:
        """What a server needs, as graphs of unknown sizes (TensorFlow)."""
        views, examples = self.views(), {"encoder": self.source(), "step": asked(self.target(), self.encoded)}

        def leaf(array: Any) -> tuple:
            shape, kind = tuple(array.shape), nests.dtype(array)
            return ((*[None] * (len(shape) - 1), shape[-1]) if "float" in kind else (None,) * len(shape), kind)

        def call(name: str, given: Any) -> Any:
            return getattr(views, name)(given)

        return {
            name: backend.graph(functools.partial(call, name), tree.map_structure(leaf, examples[name]))
            for name in SAVED
        }


def words_first(leaf: np.ndarray) -> np.ndarray:
    """A leaf of memory as (batch, source_length, ...), and back: where there are heads, they come before the length."""
    return leaf.swapaxes(1, 2) if leaf.ndim == 4 else leaf


def asked(tokens: Any, encoded: dict[str, Any], position: int = 0) -> dict[str, Any]:
    """The inputs of a step view, caches with room for the tokens. Keras takes no mixture of tensors and others."""
    given = {"tokens": tokens, "position": np.int32(position), **encoded}
    given = tree.map_structure(ops.convert_to_tensor, given)
    return {**given, "state": memory.sized(given["state"], position + given["tokens"].shape[1])}
