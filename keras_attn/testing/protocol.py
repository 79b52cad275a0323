"""From the signature of a layer's call to specimens: how Keras' own attention layers are called.

call(query, value, key, query_mask, ..., attention_mask, use_causal_mask, return_attention_scores)
call(inputs=[query, value, key], mask=[query_mask, value_mask], ...)
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import tree

from keras_attn.testing.arrays import tensors
from keras_attn.testing.spec import Spec
from keras_attn.testing.specimen import Specimen

QUERY, MASK = "batch query_length", "mask"
MASKS = {
    "query_mask": Spec("batch query_length", MASK),
    "value_mask": Spec("batch key_length", MASK),
    "key_mask": Spec("batch key_length", MASK),
    "attention_mask": Spec("batch query_length key_length", MASK),
}
WIDTHS = (("query_features", "features", "key_features"), ("features", "features", "features"))


def remaker(layer: keras.layers.Layer) -> Callable[[], keras.layers.Layer]:
    """Makes layers like this one from its configuration, in the dtype policy of the moment."""
    config, kind = layer.get_config(), type(layer)
    text = json.dumps(keras.saving.serialize_keras_object(config))

    def make() -> keras.layers.Layer:
        fresh = keras.saving.deserialize_keras_object(json.loads(text))
        return kind.from_config(_with_policy(fresh, keras.config.dtype_policy()))

    return make


def _with_policy(config: Any, policy: Any) -> Any:
    """The configuration with another dtype policy, in sublayers too."""
    if isinstance(config, dict):
        return {
            name: keras.saving.serialize_keras_object(policy) if name == "dtype" else _with_policy(part, policy)
            for name, part in config.items()
            if name != "build_config"
        }
    return [_with_policy(part, policy) for part in config] if isinstance(config, list) else config


def specimens(name: str, make: Callable[[], keras.layers.Layer], claims: frozenset[str]) -> list[Specimen]:
    """The layer plain, under masks with its weights, and causal, as far as its call takes these.

    Raises:
        ValueError: it is called in no way known here; a `Specimen` says how.
    """
    parameters = list(inspect.signature(make().call).parameters)
    if {"query", "value"} <= set(parameters):
        build = _separate
    elif parameters[:1] == ["inputs"] and {"mask", "return_attention_scores"} <= set(parameters):
        build = _listed
    else:
        raise ValueError(
            f"layer: expected `call(query, value, ...)` or `call(inputs=[query, value, key], mask=...)`, got "
            f"`call({', '.join(parameters)})` of {name}; describe it with keras_attn.testing.Specimen"
        )
    error: Exception | None = None
    for widths in WIDTHS:  # a dot product needs queries and keys of one width
        cases = list(build(parameters, *(Spec(f"batch {length} {width}") for length, width in _dimensions(widths))))
        try:
            return [_measured(f"{name} {case}", make, arguments, options, claims) for case, arguments, options in cases]
        except Exception as raised:  # whatever it may raise for widths that it does not take
            error = error or raised
    assert error
    raise error


def _dimensions(widths: tuple[str, ...]) -> zip:
    return zip(("query_length", "key_length", "key_length"), widths, strict=True)


def _separate(parameters: list[str], query: Spec, value: Spec, key: Spec) -> Iterator[tuple[str, dict, dict]]:
    masks = {name: mask for name, mask in MASKS.items() if name in parameters}
    pairs = masks.pop("attention_mask", None)
    third = {"key": key} if "key" in parameters else {}
    scores = {"return_attention_scores": True} if "return_attention_scores" in parameters else {}
    yield "plain", {"query": query, "value": value}, {}
    if masks:
        yield "masked", {"query": query, "value": value, **third, **masks}, scores
    if pairs:
        yield "pairs", {"query": query, "value": value, **third, "attention_mask": pairs}, scores
    if "use_causal_mask" in parameters:
        yield "causal", {"query": query, "value": value, **third}, {**scores, "use_causal_mask": True}


def _listed(parameters: list[str], query: Spec, value: Spec, key: Spec) -> Iterator[tuple[str, dict, dict]]:
    scores = {"return_attention_scores": True}
    yield "plain", {"inputs": [query, value]}, {}
    masks = [MASKS["query_mask"], MASKS["value_mask"]]
    yield "masked", {"inputs": [query, value, key], "mask": masks}, scores
    if "use_causal_mask" in parameters:
        yield "causal", {"inputs": [query, value, key]}, {**scores, "use_causal_mask": True}


def _measured(name: str, make: Any, arguments: dict, options: dict, claims: frozenset[str]) -> Specimen:
    """The specimen, its outputs' widths found by calling the layer once."""
    specimen = Specimen(name, make, arguments, None, options, claims)
    outputs = specimen.call(make(), tensors(specimen.arrays()))

    def spec(tensor: Any, kind: str) -> Spec:
        shape = list(map(str, tensor.shape))
        if kind == "weights":
            return Spec(" ".join(["batch", *shape[1:-2], "query_length", "key_length"]), kind)
        return Spec(" ".join(["batch", "query_length", *shape[2:]]), kind)

    found = [spec(tensor, "weights" if index else "float") for index, tensor in enumerate(tree.flatten(outputs))]
    return Specimen(name, make, arguments, tuple(found) if options else found[0], options, claims)
