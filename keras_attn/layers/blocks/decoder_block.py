"""One layer of a Transformer's decoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.blocks.feed_forward import FeedForward
from keras_attn.layers.blocks.residual import Residual
from keras_attn.layers.blocks.scored_reader import ScoredReader
from keras_attn.layers.head_attention import HeadAttention
from keras_attn.ops.reshaping import reshaped
from keras_attn.ops.seeds import seeds


@keras.saving.register_keras_serializable("keras_attn")
class DecoderBlock(keras.layers.Layer):
    """Self-attention over what was written, attention over the memory, then a feed-forward network.

        cache ----> v                   memory --> v
        x -- residual( self-attention ) -- residual( attention ) -- residual( feed-forward ) --> x'

    The n tokens of a call may be a whole target (no cache: training), a prompt or one token.

    Args:
        self_attention: an attention with heads, such as `MultiHeadAttention(8, 64)`.
        attention: what reads the memory: an attention with heads, or a `ScoredReader`. Keys and values are made
            outside (`MemoryHeads`).
        feed_forward: a `FeedForward`.
        norm, dropout, seed: see `EncoderBlock`.

    Call arguments:
        x: (batch, n, features), tokens at `position`, `position` + 1, ...
        memory: `{"key", "value"}`, as `attention.read` takes them. Beside a cache it may have fewer rows than x: each
            is read by as many rows of x, one after the other, as the beginnings of a search share their source.
        source_mask: (batch, key_length) booleans, True where the memory has something; None = everywhere. (Keras would
            put a nest into a `memory_mask` that is not given.)
        position: an integer or a scalar integer tensor.
        cache: `{"key", "value"}` of (batch, heads, time, head_dim), or None.

    Returns:
        x' (batch, n, features); weights over the memory (batch, heads, n, key_length); the cache with
        the n tokens in it, which without one is the keys and values of these tokens alone.

    Source: Vaswani et al. 2017, section 3.1 and figure 1.
    """

    parts = ("self_attention", "attention", "feed_forward")

    def __init__(
        self,
        self_attention: HeadAttention,
        attention: HeadAttention | ScoredReader,
        feed_forward: FeedForward,
        norm: str = "pre",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.self_attention = self_attention
        self.attention = attention
        self.feed_forward = feed_forward
        self.norm = norm
        self.dropout = dropout
        self.seed = seed
        self.supports_masking = True
        around: dict[str, Any] = {"norm": norm, "dropout": dropout, "dtype": self.dtype_policy}
        first, second, third = seeds(seed, 3)
        self.around_self = Residual(**around, seed=first, name="around_self_attention")
        self.around_attention = Residual(**around, seed=second, name="around_attention")
        self.around_feed_forward = Residual(**around, seed=third, name="around_feed_forward")

    def build(self, x_shape: Any, memory_shape: dict) -> None:
        for around in (self.around_self, self.around_attention, self.around_feed_forward):
            around.build(x_shape)
        if not self.self_attention.built:
            self.self_attention.build(x_shape, x_shape)
        if not self.attention.built:
            if isinstance(self.attention, HeadAttention):
                self.attention.build_query(x_shape)
            else:
                self.attention.build_projected(x_shape, memory_shape)
        if not self.feed_forward.built:
            self.feed_forward.build(x_shape)
        self.built = True

    def call(
        self,
        x: Any,
        memory: dict[str, Any],
        source_mask: Any = None,
        position: Any = 0,
        cache: dict[str, Any] | None = None,
        training: bool | None = None,
    ) -> Any:
        entering = self.around_self.enter(x)
        said, new = self.self_attention.step(entering, position, cache, training=training)
        x = self.around_self(x, said, training=training)
        place = ops.cast(position, "int32") + ops.arange(ops.shape(x)[1])  # (n,)
        visible = None if source_mask is None else ops.expand_dims(source_mask, 1)  # (batch, 1, key_length)
        entering = self.around_attention.enter(x)
        look = self.attention.read if cache is None else self._look_together
        found, weights = look(entering, memory, visible, place, training=training)
        x = self.around_attention(x, found, training=training)
        made = self.feed_forward(self.around_feed_forward.enter(x), training=training)
        x = self.around_feed_forward(x, made, training=training)  # (batch, n, features)
        return x, weights, new

    def _look_together(self, x: Any, memory: dict, mask: Any, place: Any, training: bool | None) -> tuple[Any, Any]:
        """Read with all the rows of a sentence as queries of one, whose keys are then multiplied once."""
        rows, n, features = ops.shape(x)
        sentences = ops.shape(memory["key"])[0]
        # There may be none.
        each = rows // (max(sentences, 1) if isinstance(sentences, int) else ops.maximum(sentences, 1))
        queries = ops.reshape(x, (sentences, each * n, features))
        found, weights = self.attention.read(queries, memory, mask, ops.tile(place, [each]), training=training)
        _, heads, _, length = ops.shape(weights)
        weights = ops.transpose(ops.reshape(weights, (sentences, heads, each, n, length)), (0, 2, 1, 3, 4))
        return reshaped(found, (rows, n, features)), ops.reshape(weights, (rows, heads, n, length))

    def compute_output_spec(
        self, x: Any, memory: dict, source_mask: Any = None, position: Any = 0, cache: Any = None, **_: Any
    ) -> Any:
        batch, n, _ = x.shape
        own = self.self_attention
        time = n if cache is None else cache["key"].shape[2]
        shapes = [x.shape, (batch, getattr(self.attention, "heads", 1), n, memory["key"].shape[-2])]
        shapes += [(batch, own.key_heads, time, width) for width in (own.head_dim, own.value_dim)]
        out, weights, key, value = (keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)
        return out, weights, {"key": key, "value": value}

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.parts}
        return {**super().get_config(), **parts, "norm": self.norm, "dropout": self.dropout, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> DecoderBlock:
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in cls.parts}
        return cls(**{**config, **parts})
