"""Weights of our layers in the places that CTranslate2's specifications have for them."""

from __future__ import annotations

from typing import Any

import numpy as np


def linear(spec: Any, *dense: Any) -> None:
    """One `Dense`, or several of one input side by side. Theirs multiply by the transpose of ours."""
    spec.weight = np.concatenate([_array(layer.kernel).T for layer in dense])  # (outputs, inputs)
    if any(layer.bias is not None for layer in dense):
        biases = [np.zeros(layer.units, "float32") if layer.bias is None else _array(layer.bias) for layer in dense]
        spec.bias = np.concatenate(biases)


def norm(spec: Any, layer: Any) -> None:
    """A `LayerNormalization`."""
    spec.gamma, spec.beta = _array(layer.gamma), _array(layer.beta)


def attention(spec: Any, layer: Any, around: Any) -> None:
    """A `MultiHeadAttention` of a sequence over itself, and the `Residual` around it."""
    linear(spec.linear[0], layer.project_query, layer.project_key, layer.project_value)
    linear(spec.linear[1], layer.project_output)
    norm(spec.layer_norm, around.normalize)


def cross_attention(spec: Any, layer: Any, around: Any, memory: Any, index: int) -> None:
    """A `MultiHeadAttention` that reads the source, whose keys and values are columns of `MemoryHeads`."""
    linear(spec.linear[0], layer.project_query)
    key, value = (
        np.split(_array(kernel), memory.layers, axis=1)[index] for kernel in (memory.key_kernel, memory.value_kernel)
    )
    spec.linear[1].weight = np.concatenate([key.T, value.T])
    bias = np.split(_array(memory.value_bias), memory.layers)[index]
    spec.linear[1].bias = np.concatenate([np.zeros(key.shape[1], "float32"), bias])
    linear(spec.linear[2], layer.project_output)
    norm(spec.layer_norm, around.normalize)


def feed_forward(spec: Any, layer: Any, around: Any) -> None:
    """A `FeedForward`: with a gate, that is the one that goes through the activation."""
    gated = layer.gate is not None
    linear(spec.linear_0, layer.gate if gated else layer.widen)
    if gated:
        linear(spec.linear_0_noact, layer.widen)
    linear(spec.linear_1, layer.narrow)
    norm(spec.layer_norm, around.normalize)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(variable, "float32")
