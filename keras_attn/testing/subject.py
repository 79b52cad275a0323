"""A specimen on the table: layers built once for each dtype policy, outputs computed once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from keras import layers, tree

from keras_attn.testing import arrays as nests
from keras_attn.testing import backend, masks
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import Spec
from keras_attn.testing.specimen import CLAIMS, Specimen


class Subject:
    """What the promises look at.

    Args:
        specimen: the layer with its arguments, outputs and claims.

    Raises:
        ValueError: an unknown claim.
    """

    def __init__(self, specimen: Specimen):
        unknown = sorted(set(specimen.claims) - set(CLAIMS))
        if unknown:
            raise ValueError(f"claims: expected some of {', '.join(CLAIMS)}, got {', '.join(unknown)}")
        self.specimen, self.name = specimen, specimen.name
        self._layers: dict[str, layers.Layer] = {}
        self._outputs: dict[str, Any] = {}
        self.loaded: Callable[[Any], Any] | None = None  # from a SavedModel of many, if somebody made one

    def __repr__(self) -> str:
        return self.name

    @property
    def claims(self) -> frozenset[str]:
        return self.specimen.claims

    def arrays(self, **sizes: int) -> dict[str, Any]:
        return self.specimen.arrays(**sizes)

    def layer(self, policy: str = "float32") -> layers.Layer:
        """Built once for each dtype policy, with the same weights. Do not train it."""
        if policy not in self._layers:
            with nests.policy(policy):
                self._layers[policy] = self.specimen.layer()
        return self._layers[policy]

    def outputs(self, policy: str = "float32") -> Any:
        """What comes out for `arrays()`, as NumPy arrays."""
        if policy not in self._outputs:
            self._outputs[policy] = self.ask(self.arrays(), policy)
        return self._outputs[policy]

    def ask(self, arrays: Any, policy: str = "float32", **more: Any) -> Any:
        """What comes out for some arrays, as NumPy arrays."""
        return nests.numpy(self.specimen.call(self.layer(policy), nests.tensors(arrays), **more))

    @functools.cached_property
    def graph(self) -> Any:
        """The layer as one graph of unknown batch and lengths (TensorFlow)."""
        layer = self.layer()
        signature = tree.map_structure(lambda spec: (spec.open_shape, spec.dtype or "float32"), self.specimen.arguments)
        return backend.graph(lambda arguments: self.specimen.call(layer, arguments), signature)

    def named(self, outputs: Any) -> dict[tuple, Any]:
        """Outputs by path."""
        return dict(zip((path for path, _ in self.results), tree.flatten(outputs), strict=True))

    @functools.cached_property
    def leaves(self) -> list[tuple[tuple, Spec]]:
        """Path and dimensions of every argument."""
        return tree.flatten_with_path(self.specimen.arguments)

    @functools.cached_property
    def results(self) -> list[tuple[tuple, Spec]]:
        """Path and dimensions of every output."""
        return tree.flatten_with_path(self.specimen.outputs)

    @functools.cached_property
    def first(self) -> tuple[tuple, Spec]:
        """Path and dimensions of the first argument, in the order of the layer's call."""
        name = next(iter(self.specimen.arguments))
        return next((path, spec) for path, spec in self.leaves if path[0] == name)

    @property
    def call_names(self) -> list[str]:
        return list(inspect.signature(self.layer().call).parameters)

    @property
    def masks(self) -> dict[tuple, Spec]:
        return masks.masks(self.specimen)

    @property
    def attending(self) -> dict[tuple, Spec]:
        """Path and dimensions of attention weights among the outputs."""
        return masks.attending(self.specimen)

    def needs_weights(self) -> None:
        needs(self.attending, "no attention weights among the outputs")

    def visible(self, arrays: Any, weights: Spec) -> Any:
        return masks.visible(self.specimen, arrays, weights)
