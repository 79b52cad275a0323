"""Sliding-window attention: self-attention to what is near, at a cost that grows linearly with the length."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.head_attention import HeadAttention
from keras_attn.ops import blocks, masks
from keras_attn.ops import memory as memory_ops
from keras_attn.shapes import check

BLOCK = 32  # at least so many queries at once, or matrices get too small to be fast


@keras.saving.register_keras_serializable("keras_attn")
class SlidingWindowAttention(HeadAttention):
    """Multi-head self-attention in which position i sees i - w ... i + w; with a causal mask i - w ... i.

                        key                   The sequence is cut into blocks, each looks at itself and its
                  # # # . . . . .             neighborhood, and the matrix of all scores is never there: time and
          query   # # # # . . . .   w = 2     memory are linear in the length.
                  # # # # # . . .
                  . # # # # # . .             It equals `MultiHeadAttention` with the mask |q - k| <= w.

    Args:
        heads, head_dim: as in `MultiHeadAttention`, whose other arguments are taken too.
        window: w, how far it sees to each side; a query sees itself even with 0.

    Call arguments:
        query: (batch, length, features).
        query_mask: (batch, length) booleans: where False, nothing is seen and nobody sees it.
        use_causal_mask: no position sees a later one.
        return_attention_scores: also return the weights.

    Returns:
        (batch, length, units); with `return_attention_scores` also weights (batch, heads, length, 2 w + 1), causal
        (batch, heads, length, w + 1): number j of query i is what it gives to key i - w + j. `step` returns the latter.

    Source: Beltagy, Peters, Cohan 2020, "Longformer: The Long-Document Transformer", section 3.1.
    """

    def __init__(self, heads: int, head_dim: int, window: int, **kwargs: Any):
        super().__init__(heads, head_dim, **kwargs)
        expect(window >= 0, "window", "at least 0", window)
        self.window = window

    def build(self, query_shape: Any) -> None:
        super().build(query_shape, query_shape)

    def call(
        self,
        query: Any,
        query_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch length features", "query")
        place = ops.arange(ops.shape(query)[1])  # (length,)
        after = 0 if use_causal_mask else self.window
        mask = masks.both(query_mask)
        memory = self.project_memory(query)
        output, weights = self._slide(query, place, memory, after, seen=mask, looks=mask, training=training)
        return (output, weights) if return_attention_scores else output

    def step(
        self,
        x: Any,
        position: Any = 0,
        cache: dict[str, Any] | None = None,
        key_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        place = ops.cast(position, "int32") + ops.arange(ops.shape(x)[1])  # (n,)
        cached = memory_ops.extend(cache, **self.project_memory(x, position=place), position=position)
        cut = {"start": None if cache is None else place[0], "seen": masks.both(key_mask)}
        output, weights = self._slide(x, place, cached, 0, **cut, training=training)
        return ((output, weights) if return_attention_scores else output), cached

    def _slide(
        self,
        x: Any,
        place: Any,
        memory: dict[str, Any],
        after: int,
        start: Any = None,
        seen: Any = None,
        looks: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        """Attention of `x` (batch, n, features) at `place` (n,) to what is near.

        `memory` begins with x, or, if `start` is given, x is at `start` of it. `seen` (batch, time) and `looks`
        (batch, n) are masks or None.
        """
        batch, length = ops.shape(x)[:2]
        width = self.window + after + 1
        block, around = self._spans(memory, seen, start, length, after)
        visible = ops.expand_dims(around.pop("seen"), 2)  # (1 or batch, blocks, 1, span)
        mask = masks.both(
            visible, blocks.near(block, width), None if looks is None else blocks.cut(looks, block)[..., None]
        )
        query = blocks.cut(self._queries(x, place), block)  # (batch, blocks, block, heads, head_dim)
        count = ops.shape(query)[1]
        mask = ops.broadcast_to(mask, (batch, *ops.shape(mask)[1:]))  # (batch, blocks, block, span)
        query, mask, key, value = (
            ops.reshape(leaf, (batch * count, *ops.shape(leaf)[2:])) for leaf in (query, mask, *around.values())
        )
        here, there = self.window + ops.arange(block), ops.arange(block + width - 1)
        context, weights = self._attend(query, {"key": key, "value": value}, mask, here, there, training)
        context = ops.reshape(context, (batch, count * block, self.heads * self.value_dim))[:, :length]
        output = self.project_output(context)  # (batch, n, units)
        weights = ops.reshape(blocks.band(weights, width), (batch, count, self.heads, block, width))
        weights = ops.reshape(ops.transpose(weights, (0, 2, 1, 3, 4)), (batch, self.heads, count * block, width))
        weights = weights[:, :, :length]
        if seen is None and looks is None:
            return output, weights
        sees = ops.reshape(ops.any(mask, axis=-1), (batch, count * block))[:, :length]
        sees = ops.cast(sees, self.compute_dtype)
        return output * sees[:, :, None], weights * sees[:, None, :, None]

    def _spans(self, memory: dict, seen: Any, start: Any, length: Any, after: int) -> tuple[Any, dict[str, Any]]:
        """The block's size, and for each block what is around it: key, value and which of them are there."""
        if start is None:
            seen = ops.ones((1, length), "bool") if seen is None else seen
            leaves = {**memory, "seen": seen}
            return BLOCK, {name: blocks.around(leaf, BLOCK, self.window, after) for name, leaf in leaves.items()}
        block = min(BLOCK, length) if isinstance(length, int) else ops.minimum(BLOCK, length)
        index = blocks.places(start, length, block, self.window)  # (blocks, span)
        around = {name: blocks.gather(leaf, index) for name, leaf in memory.items()}
        there = (index >= 0)[None]
        return block, {**around, "seen": there if seen is None else masks.both(there, blocks.gather(seen, index))}

    def compute_output_spec(
        self,
        query: Any,
        query_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        batch, length = query.shape[:2]
        output = keras.KerasTensor((batch, length, self.units or query.shape[-1]), dtype=self.compute_dtype)
        width = (1 if use_causal_mask else 2) * self.window + 1
        weights = keras.KerasTensor((batch, self.heads, length, width), dtype=self.compute_dtype)
        return (output, weights) if return_attention_scores else output

    def get_config(self) -> dict:
        return {**super().get_config(), "window": self.window}
