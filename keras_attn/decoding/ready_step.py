"""A step for the many steps of a search: what is the same for all of them is done before the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops


class ReadyStep:
    """The step view, with the matrix of a tied softmax turned around once and not at every step.

        logits = h E^T, with E^T at hand

    A product of few rows with a large matrix takes a third longer on TensorFlow where that lies the other way around
    (2026-11-20). Make it inside the graph of the search, outside of its loop.

    Args:
        views: `models.Views`.

    Call arguments:
        told: see `Greedy`.

    Returns:
        What `views.step` gives.
    """

    def __init__(self, views: Any):
        self._step = views.before_softmax
        self.shares_memory = self._step.shares_memory
        self._softmax = ready_softmax(views.softmax)

    def __call__(self, told: dict[str, Any], **more: Any) -> dict[str, Any]:
        out = self._step(told, **more)
        hidden = out["hidden"]  # (rows, n, width)
        rows, n, width = ops.shape(hidden)
        logits = self._softmax(ops.reshape(hidden, (-1, width)))
        logits = ops.reshape(logits, (rows, n, logits.shape[-1]))
        return {"logits": logits, "state": out["state"], "weights": out["weights"]}


def ready_softmax(layer: Any, words: Any = None) -> Callable[[Any], Any]:
    """What makes logits of a view's hidden vectors, with its weights as they are now.

    Args:
        layer: `models.Views.softmax`.
        words: (few,) ids of those that are scored; all if None.

    Returns:
        A function, hidden (rows, width) -> logits (rows, words).
    """
    bias = None
    if hasattr(layer, "embeddings"):
        table = layer.embeddings if words is None else ops.take(layer.embeddings, words, axis=0)
        matrix = ops.transpose(table)  # (width, words)
    elif words is None:
        return layer
    else:
        matrix, bias = ops.take(layer.kernel, words, axis=1), ops.take(layer.bias, words, axis=0)
        bias = ops.cast(bias, layer.compute_dtype)
    matrix = ops.cast(matrix, layer.compute_dtype)

    def logits(hidden: Any) -> Any:
        product = ops.matmul(ops.cast(hidden, matrix.dtype), matrix)
        return product if bias is None else product + bias

    return logits
