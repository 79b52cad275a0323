"""One layer of a Transformer's encoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.blocks.feed_forward import FeedForward
from keras_attn.layers.blocks.residual import Residual
from keras_attn.layers.head_attention import HeadAttention
from keras_attn.ops.seeds import seeds


@keras.saving.register_keras_serializable("keras_attn")
class EncoderBlock(keras.layers.Layer):
    """Self-attention, then a feed-forward network, each inside a residual connection.

        x -- residual( self-attention ) -- residual( feed-forward ) --> x'

    Args:
        attention: an attention with heads, such as `MultiHeadAttention(8, 64)`.
        feed_forward: a `FeedForward`.
        norm: "pre" or "post", see `Residual`.
        dropout: of what attention and feed-forward put out, see `Residual`.
        seed: of that dropout.

    Call arguments:
        x: (batch, length, features).
        mask: (batch, length) booleans, True where there is a token; None = everywhere.

    Returns:
        (batch, length, features).

    Source: Vaswani et al. 2017, section 3.1 and figure 1.
    """

    def __init__(
        self,
        attention: HeadAttention,
        feed_forward: FeedForward,
        norm: str = "pre",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.attention = attention
        self.feed_forward = feed_forward
        self.norm = norm
        self.dropout = dropout
        self.seed = seed
        self.supports_masking = True
        around: dict[str, Any] = {"norm": norm, "dropout": dropout, "dtype": self.dtype_policy}
        first, second = seeds(seed, 2)
        self.around_attention = Residual(**around, seed=first, name="around_attention")
        self.around_feed_forward = Residual(**around, seed=second, name="around_feed_forward")

    def build(self, x_shape: Any, mask_shape: Any = None) -> None:
        self.around_attention.build(x_shape)
        if not self.attention.built:
            self.attention.build(x_shape, x_shape)
        self.around_feed_forward.build(x_shape)
        if not self.feed_forward.built:
            self.feed_forward.build(x_shape)
        self.built = True

    def call(self, x: Any, mask: Any = None, training: bool | None = None) -> Any:
        entering = self.around_attention.enter(x)
        seen = self.attention(entering, entering, value_mask=mask, training=training)
        x = self.around_attention(x, seen, training=training)
        made = self.feed_forward(self.around_feed_forward.enter(x), training=training)
        return self.around_feed_forward(x, made, training=training)  # (batch, length, features)

    def compute_output_spec(self, x: Any, mask: Any = None, training: bool | None = None) -> Any:
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict:
        parts = {
            name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("attention", "feed_forward")
        }
        return {**super().get_config(), **parts, "norm": self.norm, "dropout": self.dropout, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> EncoderBlock:
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("attention", "feed_forward")}
        return cls(**{**config, **parts})
