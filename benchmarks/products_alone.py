"""The matrix products of a training step and nothing else, to see what rate they reach. For benchmarks, on TensorFlow.

Every product has operands of its own, as in the model, so that a graph can drop none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from products import attentions, matrices
from recipe_batches import shape_of


class ProductsAlone:
    """All products of a Transformer's training step, for batches of any shape.

    Args:
        model: `Views.training` of the Transformer.
        encoder, decoder: its sizes.
        shapes: the (rows, source_length, target_length) that come.
        dtype: "float32" or "bfloat16".
        attention: False leaves out the products of attention.
    """

    def __init__(
        self,
        model: Any,
        encoder: Any,
        decoder: Any,
        shapes: list[tuple[int, int, int]],
        dtype: str = "float32",
        attention: bool = True,
    ):
        self.heads, self.head_dim = encoder.heads, encoder.head_dim
        random = np.random.default_rng(0)

        def operand(*shape: int) -> tf.Tensor:
            return tf.cast(tf.constant(random.normal(size=shape).astype("float32")), dtype)

        most = {"source": max(b * s for b, s, _ in shapes), "target": max(b * t for b, _, t in shapes)}
        self.dense = [
            (side, operand(most[side], inputs), operand(inputs, outputs), operand(most[side], outputs))
            for side, inputs, outputs in matrices(model)
        ]
        self.attention = [
            (queries, keys, [operand(most[side] * encoder.width) for side in (queries, keys, keys, queries)], pairs)
            for name, layers in attentions(encoder, decoder).items()
            for queries, keys in [_sides(name)]
            for pairs in [max(b * (s, t)[queries == "target"] * (s, t)[keys == "target"] for b, s, t in shapes)]
            for _ in range(layers if attention else 0)
        ]
        self.attention = [
            (queries, keys, of, [operand(pairs * self.heads) for _ in range(2)])
            for queries, keys, of, pairs in self.attention
        ]

    def operands(self, rows: int, source: int, target: int) -> list[tuple[tf.Tensor, ...]]:
        """For a shape, (x, w, y) of each matrix and (q, k, v, y, weights, gradient of weights) of each attention."""
        length = {"source": source, "target": target}
        found: list[tuple[tf.Tensor, ...]] = [
            (x[: rows * length[side]], w, y[: rows * length[side]]) for side, x, w, y in self.dense
        ]
        batch = rows * self.heads
        for queries, keys, of, square in self.attention:
            shapes = [(batch, length[side], self.head_dim) for side in (queries, keys, keys, queries)]
            shapes += [(batch, length[queries], length[keys])] * 2
            cut = [
                tf.reshape(flat[: int(np.prod(shape))], shape)
                for flat, shape in zip([*of, *square], shapes, strict=True)
            ]
            found.append(tuple(cut))
        return found

    def function(self, jit: bool) -> Callable[..., list[tf.Tensor]]:
        """All products of the operands as one graph."""

        def run(operands: list[tuple[tf.Tensor, ...]]) -> list[tf.Tensor]:
            found = []
            for each in operands:
                if len(each) == 3:
                    x, w, y = each
                    found += [x @ w, tf.matmul(y, w, transpose_b=True), tf.matmul(x, y, transpose_a=True)]
                    continue
                q, k, v, y, weights, gradient = each
                found += [tf.matmul(q, k, transpose_b=True), weights @ v]
                found += [tf.matmul(y, v, transpose_b=True), tf.matmul(weights, y, transpose_a=True)]
                found += [gradient @ k, tf.matmul(gradient, q, transpose_a=True)]
            return found

        return tf.function(run, jit_compile=jit, autograph=False)


def _sides(pairs: str) -> tuple[str, str]:
    """Whose positions are queries, and whose are keys."""
    return {"source_pairs": ("source",) * 2, "target_pairs": ("target",) * 2}.get(pairs, ("target", "source"))


def alone_steps(task: Any, model: Any, dtype: str) -> Iterator[tuple[tuple[str, bool], Callable[[], list]]]:
    """The products with weights, and all of them, each with XLA and without: functions for `in_turn`.

    Args:
        task: has `encoder`, `decoder`, `warm` (a batch of every shape) and `batches`, one for each call.
        model, dtype: see `ProductsAlone`.
    """
    shapes = [shape_of(batch) for batch in task.warm]
    for name, attention in (("weights' products", False), ("all products", True)):
        products = ProductsAlone(model, task.encoder, task.decoder, shapes, dtype, attention)
        cut = {shape: products.operands(*shape) for shape in shapes}
        for jit in (False, True):
            run = products.function(jit)
            for operands in cut.values():
                run(operands)
            yield (name, jit), _next(run, cut, iter(task.batches))


def _next(run: Callable, cut: dict, batches: Iterator) -> Callable[[], list]:
    return lambda: [run(cut[shape_of(next(batches))])[-1]]
