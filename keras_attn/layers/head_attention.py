"""What all attention with heads shares: projections, a memory made once, a cache that grows."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers.dropout import Dropout
from keras_attn.layers.positions.attention_positions import AttentionPositions
from keras_attn.ops import heads as head_ops
from keras_attn.ops import masks
from keras_attn.ops import memory as memory_ops
from keras_attn.ops.reshaping import reshaped


class HeadAttention(keras.layers.Layer):
    """head_i = softmax(Q W_i^Q (K W_i^K)^T / sqrt(d_k)) V W_i^V, beside a memory or over a sequence's own past.

    A subclass says how it is called; `MultiHeadAttention` has the arguments. What a decoder needs is here:
    `project_memory` once and `read` at each step, for another sequence; `start` and `step`, for the past of its own.
    The whole target, a prompt and one token differ in their length only, so a step is what was trained.

    Memory and cache: `{"key": (batch, key_heads, key_length, head_dim), "value": (batch, key_heads, key_length,
    value_dim)}`.
    """

    def __init__(
        self,
        heads: int,
        head_dim: int,
        value_dim: int | None = None,
        units: int | None = None,
        use_bias: bool = True,
        dropout: float = 0.0,
        position: AttentionPositions | None = None,
        kernel_initializer: Any = "glorot_uniform",
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, size in {"heads": heads, "head_dim": head_dim, "value_dim": value_dim, "units": units}.items():
            expect(size is None or size >= 1, name, "at least 1", size)
        expect(0 <= dropout < 1, "dropout", "at least 0 and less than 1", dropout)
        self.heads = self.key_heads = heads
        self.head_dim = head_dim
        self.value_dim = value_dim or head_dim
        self.units = units
        self.use_bias = use_bias
        self.dropout = dropout
        self.position = position
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed
        self.drop = Dropout(dropout, seed=seed, dtype=self.dtype_policy)
        self.supports_masking = True  # the output keeps the query's hidden mask, as Keras' layers do

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        self.build_memory(value_shape, key_shape)
        self.build_query(query_shape)

    def build_memory(self, value_shape: Any, key_shape: Any = None) -> None:
        """Make the weights of `project_memory`, unless they are there."""
        if not hasattr(self, "project_key"):
            self.project_key = self._dense("key", key_shape or value_shape, self.key_heads * self.head_dim, False)
            self.project_value = self._dense("value", value_shape, self.key_heads * self.value_dim)

    def build_query(self, query_shape: Any) -> None:
        """Make the weights of `read`."""
        self.project_query = self._dense("query", query_shape, self.heads * self.head_dim)
        self.project_output = self._dense("output", (self.heads * self.value_dim,), self.units or query_shape[-1])
        if self.position is not None and not self.position.built:
            self.position.build(self.heads, self.head_dim, self.value_dim)
        self.built = True

    def _dense(self, name: str, shape: Any, units: int, bias: bool = True) -> keras.layers.Dense:
        # An initializer object without a seed would give all of them the same numbers, hence the clone.
        initializer = self.kernel_initializer.clone()
        more: dict[str, Any] = {"kernel_initializer": initializer, "dtype": self.dtype_policy, "name": name}
        layer = keras.layers.Dense(units, use_bias=bias and self.use_bias, **more)
        layer.build((None, shape[-1]))
        return layer

    def project_memory(self, value: Any, key: Any = None, position: Any = None) -> dict[str, Any]:
        """Keys and values of all heads, made once and read many times.

        Args:
            value: (batch, key_length, features).
            key: (batch, key_length, key_features); `value` if None.
            position: (key_length,) integers; 0, 1, ... if None.

        Returns:
            `{"key": (batch, key_heads, key_length, head_dim), "value": (batch, key_heads, key_length, value_dim)}`.
        """
        key = _apart(self.project_key, value if key is None else key, self.key_heads, self.head_dim)
        value = _apart(self.project_value, value, self.key_heads, self.value_dim)
        return {"key": head_ops.first(self._turn(key, position)), "value": head_ops.first(value)}

    def read(
        self,
        query: Any,
        memory: dict[str, Any],
        mask: Any = None,
        query_position: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        """Look into a memory that `project_memory` made.

        Args:
            query: (batch, query_length, query_features).
            memory: `{"key", "value"}`.
            mask: booleans broadcastable to (batch, query_length, key_length), or None.
            query_position: (query_length,) integers; 0, 1, ... if None.

        Returns:
            Output (batch, query_length, units), weights (batch, heads, query_length, key_length).
        """
        if mask is not None and len(mask.shape) == 2:
            mask = mask[None]  # (1, query_length, key_length)
        return self._read(query, memory, masks.both(mask), query_position, training=training)

    def start(self, batch: Any, length: Any) -> dict[str, Any]:
        """An empty cache for `length` tokens, for `step`: every leaf (batch, key_heads, length, width)."""
        widths = {"key": self.head_dim, "value": self.value_dim}
        return {
            name: ops.zeros((batch, self.key_heads, length, width), self.compute_dtype)
            for name, width in widths.items()
        }

    def step(
        self,
        x: Any,
        position: Any = 0,
        cache: dict[str, Any] | None = None,
        key_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Self-attention of n new tokens over themselves and those before: key_position <= query_position.

        Args:
            x: (batch, n, features), the tokens at `position`, `position` + 1, ...
            position: an integer, or a scalar integer tensor.
            cache: what `start` or the last `step` gave; None = nothing was before, as in training.
            key_mask: booleans (batch, time of the cache, or n without one), True = may be seen.

        Returns:
            What the layer itself returns for these queries, with weights (batch, heads, n, time), and the new cache.
        """
        place = ops.cast(position, "int32") + ops.arange(ops.shape(x)[1])  # (n,)
        cached = memory_ops.extend(cache, **self.project_memory(x, position=place), position=position)
        mask = None if key_mask is None else masks.both(ops.expand_dims(key_mask, 1))  # (batch, 1, time)
        last = x.shape[1] == 1 and memory_ops.grows(cache)  # nothing comes after a single token then
        output, weights = self._read(
            x, cached, mask, place, place if cache is None else None, causal=not last, training=training
        )
        return ((output, weights) if return_attention_scores else output), cached

    def _read(
        self,
        query: Any,
        memory: dict[str, Any],
        mask: Any = None,
        query_position: Any = None,
        key_position: Any = None,
        causal: bool = False,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        query_position = _places(query_position, query)
        key_position = _places(key_position, memory["key"], 2)
        may_be_blind = mask is not None  # causality alone lets everybody see something
        if causal:
            mask = masks.both(mask, masks.causal(query_position, key_position)[None])
        queries = self._queries(query, query_position)  # (batch, heads, query_length, head_dim)
        context, weights = self._attend(queries, memory, mask, query_position, key_position, training)
        output = self._together(context)  # (batch, query_length, units)
        if not may_be_blind:
            return output, weights
        sees = ops.cast(ops.any(mask, axis=-1, keepdims=True), self.compute_dtype)  # (batch, query_length, 1)
        return output * sees, weights * ops.expand_dims(sees, 1)

    def _queries(self, query: Any, position: Any) -> Any:
        queries = _apart(self.project_query, query, self.heads, self.head_dim)
        return head_ops.first(self._turn(queries, position) / math.sqrt(self.head_dim))

    def _together(self, context: Any) -> Any:
        context = head_ops.first(context)  # (batch, query_length, heads, value_dim)
        batch, length = ops.shape(context)[:2]
        flat = self.project_output(ops.reshape(context, (-1, self.heads * self.value_dim)))
        return reshaped(flat, (batch, length, flat.shape[-1]))

    def _attend(
        self, query: Any, memory: dict, mask: Any, query_position: Any, key_position: Any, training: bool | None
    ) -> tuple[Any, Any]:
        group, position = self.heads // self.key_heads, self.position
        score = head_ops.widened(head_ops.scores(query, memory["key"], group))  # (batch, heads, q, k)
        more = None if position is None else position.score(query, query_position, key_position)
        score = score if more is None else score + ops.cast(more, score.dtype)
        weights = ops.cast(head_ops.softmax(score, mask), self.compute_dtype)
        dropped = self.drop(weights, training=training) if self.dropout else weights
        context = head_ops.read(dropped, memory["value"], group)  # (batch, heads, query_length, value_dim)
        more = None if position is None else position.read(dropped, query_position, key_position)
        return context if more is None else context + more, weights

    def _turn(self, x: Any, position: Any) -> Any:
        if self.position is None:
            return x
        return self.position.turn(x, _places(position, x))

    def get_config(self) -> dict:
        names = ("heads", "head_dim", "value_dim", "units", "use_bias", "dropout", "seed")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "position": keras.saving.serialize_keras_object(self.position),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config: dict) -> HeadAttention:
        return cls(**{**config, "position": keras.saving.deserialize_keras_object(config["position"])})


def _apart(project: keras.layers.Layer, x: Any, heads: int, width: int) -> Any:
    """(batch, length, features) -> (batch, length, heads, width)."""
    batch, length, features = ops.shape(x)
    # Of a matrix, TensorFlow multiplies and adds the bias in one kernel.
    return reshaped(project(ops.reshape(x, (-1, features))), (batch, length, heads, width))


def _places(position: Any, x: Any, axis: int = 1) -> Any:
    """(length,) integers, of the length of `x` from 0 on if None is given."""
    return ops.arange(ops.shape(x)[axis]) if position is None else ops.cast(position, "int32")
