"""Which matrix products a training step of a Transformer consists of, and how many operations they are.

A product (n, a) x (a, b) is 2 n a b operations (a multiplication and an addition each) forward, and twice as many
backward: one product for the gradient of either side. What is not a matrix product is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Load:
    """What a batch asks of the products: positions of each side, and pairs (query, key) of attention.

    Args:
        source, target: positions.
        source_pairs, target_pairs, cross_pairs: of self-attention in encoder and decoder, and between them.
    """

    source: int
    target: int
    source_pairs: int
    target_pairs: int
    cross_pairs: int

    @classmethod
    def padded(cls, inputs: dict[str, np.ndarray]) -> Load:
        """All positions of a batch, padding too, and all pairs of them, also those behind masks."""
        (rows, source), (_, target) = inputs["source"].shape, inputs["target"].shape
        return cls(rows * source, rows * target, rows * source**2, rows * target**2, rows * source * target)

    @classmethod
    def real(cls, inputs: dict[str, np.ndarray]) -> Load:
        """Words and ends only, and of a target's own pairs those that causality lets through."""
        source, target = (np.count_nonzero(inputs[side], axis=1) for side in ("source", "target"))
        source = source * (target > 0)  # a row that fills up the batch has an end and no target
        own = target * (target + 1) // 2
        sums = (source, target, source**2, own, source * target)
        return cls(*(int(counts.sum()) for counts in sums))


def matrices(model: Any) -> list[tuple[str, int, int]]:
    """Whose positions go through each matrix of a Transformer, ("source" or "target"), and its shape.

    Args:
        model: `Views.training` of a Transformer with tied embeddings.
    """
    found = []
    for weight in model.trainable_weights:
        if len(weight.shape) != 2:
            continue
        inputs, outputs = weight.shape
        if "embedding" in weight.path:  # reading it is no product, the softmax is
            inputs, outputs = outputs, inputs
        of_source = weight.path.startswith(("encoder", "memory"))
        found.append(("source" if of_source else "target", inputs, outputs))
    return found


def attentions(encoder: Any, decoder: Any) -> dict[str, int]:
    """How many layers attend over each kind of pairs."""
    return {
        "source_pairs": encoder.layers,
        "target_pairs": decoder.layers,
        "cross_pairs": decoder.layers,
    }


def dense_operations(model: Any, load: Load) -> int:
    """Operations of one training step in products with weights."""
    return sum(6 * getattr(load, side) * inputs * outputs for side, inputs, outputs in matrices(model))


def attention_operations(encoder: Any, decoder: Any, load: Load) -> int:
    """Operations of one training step in query x key and weights x value."""
    return sum(
        12 * getattr(load, name) * layers * encoder.width for name, layers in attentions(encoder, decoder).items()
    )
