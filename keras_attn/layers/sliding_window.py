"""Sliding-window attention: multi-head attention to what is near, at a cost that grows linearly with the length."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import UserError, expect
from keras_attn.layers.head_attention import HeadAttention
from keras_attn.ops import blocks, masks
from keras_attn.ops import heads as head_ops
from keras_attn.ops import memory as memory_ops
from keras_attn.shapes import check

# Queries that are worked on together: at least so many, and as many as the window is wide. With fewer, matrices are too
# small to be fast and keys are copied too often; with more, too much is computed that is then hidden.
BLOCK = 32


@keras.saving.register_keras_serializable("keras_attn")
class SlidingWindowAttention(HeadAttention):
    """Multi-head attention in which position i sees positions i - w ... i + w; with a causal mask i - w ... i.

                        key                   Queries are cut into blocks, each looks at itself and its
                  # # # . . . . .             neighborhood, and the matrix of all scores is never there: time and
          query   # # # # . . . .   w = 2     memory are linear in the length.
                  # # # # # . . .
                  . # # # # # . .             It equals `MultiHeadAttention` with the mask |q - k| <= w.

    Args:
        heads, head_dim: as in `MultiHeadAttention`, whose other arguments are taken too.
        window: w, how far it sees to each side; with 0 a position sees itself only.

    Call arguments: those of `MultiHeadAttention` without `attention_mask`, which would have a place for each pair.
        The value is the query again, or a sequence beside it in which positions mean the same.

    Returns:
        (batch, query_length, units); with `return_attention_scores` also weights (batch, heads, query_length,
        2 w + 1), causal (batch, heads, query_length, w + 1): place j of query i is what it gives to key i - w + j. A
        query that may see nothing gets zeros in both. `step` gives causal ones.

    Source: Beltagy, Peters, Cohan 2020, "Longformer: The Long-Document Transformer", section 3.1.
    """

    def __init__(self, heads: int, head_dim: int, window: int, **kwargs: Any):
        super().__init__(heads, head_dim, **kwargs)
        expect(window >= 0, "window", "at least 0", window)
        self.window = window
        self.block = max(BLOCK, window)

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch query_length query_features", "query")
        check(value, "batch key_length features", "value")
        if key is not None:
            check(key, "batch key_length key_features", "key")
        memory = self.project_memory(value, key)
        seen, looks = masks.both(value_mask, key_mask), masks.both(query_mask)
        after = 0 if use_causal_mask else self.window
        output, weights = self._slide(query, memory, after, seen=seen, looks=looks, training=training)
        return (output, weights) if return_attention_scores else output

    def read(self, *_: Any, **__: Any) -> Any:
        """Not there: the window moves with the query, and a query has no place beside a memory of another length.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{self.name}: a window cannot read a memory, in which a query has no place; take MultiHeadAttention for "
            "it, or call this layer with a value in which positions mean what they mean in the query"
        )

    def step(
        self,
        x: Any,
        position: Any = 0,
        cache: dict[str, Any] | None = None,
        key_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        position = ops.cast(position, "int32")
        place = position + ops.arange(ops.shape(x)[1])  # (n,)
        memory = memory_ops.extend(cache, **self.project_memory(x, position=place), position=position)
        seen, inside = masks.both(key_mask), cache is not None
        output, weights = self._slide(x, memory, 0, position, inside, seen=seen, training=training)
        return ((output, weights) if return_attention_scores else output), memory

    def _slide(
        self,
        query: Any,
        memory: dict[str, Any],
        after: int,
        start: Any = 0,
        inside: bool = False,
        seen: Any = None,
        looks: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        """Output and weights of queries at `start` and after, the memory's first place or, if `inside`, one of it."""
        batch, length = ops.shape(query)[:2]
        width = self.window + after + 1
        block, around = self._around(memory, seen, length, after, start if inside else None)
        mask = masks.both(
            ops.expand_dims(around.pop("seen"), 2),  # (1 or batch, blocks, 1, span)
            blocks.near(block, width),  # (block, span)
            None if looks is None else blocks.cut(looks, block)[..., None],  # (batch, blocks, block, 1)
        )
        sees = ops.cast(ops.any(mask, axis=-1), self.compute_dtype)  # (1 or batch, blocks, block)
        # Blocks are cut along the length, so that comes first; the two changes of order make none.
        queries = blocks.cut(head_ops.first(self._queries(query, start + ops.arange(length))), block)
        count = ops.shape(queries)[1]
        mask = ops.broadcast_to(mask, (batch, *ops.shape(mask)[1:]))  # (batch, blocks, block, span)
        queries, mask, key, value = (
            ops.reshape(x, (batch * count, *ops.shape(x)[2:])) for x in (queries, mask, around["key"], around["value"])
        )
        queries, key, value = (head_ops.first(x) for x in (queries, key, value))
        here, there = self.window + ops.arange(block), ops.arange(block + width - 1)  # differences are what counts
        context, weights = self._attend(queries, {"key": key, "value": value}, mask, here, there, training)
        context = ops.reshape(head_ops.first(context), (batch, count * block, self.heads, self.value_dim))
        output = self._together(head_ops.first(context[:, :length]))  # (batch, query_length, units)
        weights = ops.reshape(blocks.band(weights, width), (batch, count, self.heads, block, width))
        weights = ops.transpose(weights * sees[:, :, None, :, None], (0, 2, 1, 3, 4))
        weights = ops.reshape(weights, (batch, self.heads, count * block, width))[:, :, :length]
        sees = ops.reshape(sees, (ops.shape(sees)[0], count * block, 1))[:, :length]
        return output * sees, weights

    def _around(self, memory: dict, seen: Any, length: Any, after: int, start: Any) -> tuple[Any, dict[str, Any]]:
        """The number of queries in a block; and for each block keys, values and whether they are there to be seen."""
        if start is None:
            memory = {name: head_ops.first(leaf) for name, leaf in memory.items()}  # (batch, key_length, heads, width)
            seen = ops.ones((1, ops.shape(memory["key"])[1]), "bool") if seen is None else seen
            cut = (length, self.block, self.window, after)
            return self.block, {name: blocks.around(leaf, *cut) for name, leaf in {**memory, "seen": seen}.items()}
        block = min(self.block, length) if isinstance(length, int) else ops.minimum(self.block, length)
        place = blocks.places(start, length, block, self.window)  # (blocks, span)
        around = {name: blocks.gather(leaf, place, axis=2) for name, leaf in memory.items()}
        around = {name: ops.transpose(leaf, (0, 2, 3, 1, 4)) for name, leaf in around.items()}
        seen = masks.both((place >= 0)[None], None if seen is None else blocks.gather(seen, place))
        return block, {**around, "seen": seen}  # (batch, blocks, span, ...)

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        *_: Any,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        **__: Any,
    ) -> Any:
        batch, length = query.shape[:2]
        output = keras.KerasTensor((batch, length, self.units or query.shape[-1]), dtype=self.compute_dtype)
        width = (1 if use_causal_mask else 2) * self.window + 1
        weights = keras.KerasTensor((batch, self.heads, length, width), dtype=self.compute_dtype)
        return (output, weights) if return_attention_scores else output

    def get_config(self) -> dict:
        return {**super().get_config(), "window": self.window}
