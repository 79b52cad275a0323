"""The sizes that encoder and decoder of a Transformer have in common, and the parts made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import keras

from keras_attn.errors import expect, one_of
from keras_attn.layers import (
    ALiBi,
    AttentionPositions,
    Dropout,
    FeedForward,
    GroupedQueryAttention,
    HeadAttention,
    LearnedPositions,
    MultiHeadAttention,
    MultiQueryAttention,
    RelativePositions,
    RotaryPositions,
    SinePositions,
    SlidingWindowAttention,
    T5Bias,
)

SELF_ATTENTIONS = ("multi_head", "grouped_query", "multi_query", "sliding_window")
AHEAD = ("sine", "learned")  # positions that are added to the embeddings; all others are a part of attention
POSITIONS = (*AHEAD, "rotary", "relative", "t5", "alibi")

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"layers": 4, "width": 128, "feed_forward": 256, "heads": 4},  # Wu et al. 2021, Multi30k
    "small": {"layers": 6, "width": 512, "feed_forward": 1024, "heads": 4},  # Ott et al. 2019, IWSLT
    "base": {"layers": 6, "width": 512, "feed_forward": 2048, "heads": 8},  # Vaswani et al. 2017, table 3
    "big": {"layers": 6, "width": 1024, "feed_forward": 4096, "heads": 16},
}


@dataclass(frozen=True)
class TransformerSizes:
    """What encoder and decoder share.

    Args:
        layers: how many blocks are stacked.
        width: of embeddings and of what passes from block to block (d_model).
        feed_forward: width of the hidden layer of a block's feed-forward network (d_ff); for "swiglu", 2/3 of what
            "relu" has costs the same.
        heads: number of attention heads; divides `width`.
        dropout: share of the embeddings and of what each attention and feed-forward network puts out that is dropped
            in training, 0 to below 1.
        attention_dropout: the same for the weights of attention with heads.
        activation_dropout: the same for the hidden layer of feed-forward networks.
        activation: "relu", "gelu" or "swiglu".
        norm: layer normalization before ("pre") or after ("post", as in the paper) attention and feed-forward.
        final_norm: one more normalization after the last block; if None, with "pre" only.
        position: "sine" (the paper), "learned", or inside self-attention "rotary", "relative" (Shaw), "t5", "alibi".
        places: how many positions "learned" has; no source or target may be longer.
        self_attention: "multi_head", "grouped_query", "multi_query" or "sliding_window".
        key_heads: number of heads of keys and values of "grouped_query".
        self_window: how far "sliding_window" sees to each side.

    Source: Vaswani et al. 2017, "Attention Is All You Need".
    """

    layers: int = 4
    width: int = 128
    feed_forward: int = 256
    heads: int = 4
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    activation: Literal["relu", "gelu", "swiglu"] = "relu"
    norm: Literal["pre", "post"] = "pre"
    final_norm: bool | None = None
    position: str = "sine"
    places: int = 1024
    self_attention: str = "multi_head"
    key_heads: int = 1
    self_window: int = 16

    side: ClassVar[str]

    def __post_init__(self) -> None:
        for name in ("layers", "width", "feed_forward", "heads", "places", "key_heads", "self_window"):
            expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            expect(0 <= getattr(self, name) < 1, name, "at least 0 and below 1", getattr(self, name))
        one_of("activation", self.activation, ("relu", "gelu", "swiglu"))
        one_of("norm", self.norm, ("pre", "post"))
        one_of("position", self.position, POSITIONS)
        one_of("self_attention", self.self_attention, SELF_ATTENTIONS)
        expect(self.width % self.heads == 0, "heads", f"a divisor of width ({self.width})", self.heads)
        if self.position == "rotary":
            pairs = f"an even number for each of {self.heads} heads, as position='rotary' turns pairs"
            expect(self.head_dim % 2 == 0, "width", pairs, self.width)
        if self.self_attention == "grouped_query":
            expect(self.heads % self.key_heads == 0, "key_heads", f"a divisor of heads ({self.heads})", self.key_heads)

    @classmethod
    def sized(cls, name: str, **fields: Any) -> Self:
        """The sizes the literature gives that name: "tiny", "small", "base" or "big"; fields change them.

        Raises:
            UserError: there is no such name, or a field has a value that makes no sense.
        """
        one_of("name", name, SIZES)
        # mypy takes the integers for every field there is.
        return replace(cls(**SIZES[name]), **fields)  # type: ignore[arg-type]

    @property
    def embedding(self) -> int:
        """Width of the word vectors."""
        return self.width

    @property
    def embeddings_initializer(self) -> keras.initializers.Initializer:
        """Of the word vectors: times sqrt(width) they are as large as the waves that are added to them."""
        return keras.initializers.RandomNormal(stddev=self.width**-0.5)

    @property
    def head_dim(self) -> int:
        return self.width // self.heads

    def entrance(self) -> Any:
        """Make what word vectors go through first: a callable of (vectors, position of the first one)."""
        place = self._ahead()
        drop = Dropout(self.dropout, name=f"{self.side}_dropout")

        def enter(vectors: Any, position: Any) -> Any:
            scaled = vectors * math.sqrt(self.width)  # (batch, n, width)
            return drop(scaled if place is None else place(scaled, position=position))

        return enter

    def _ahead(self) -> keras.layers.Layer | None:
        name = f"{self.side}_positions"
        if self.position not in AHEAD:
            return None
        return SinePositions(name=name) if self.position == "sine" else LearnedPositions(self.places, name=name)

    def exit(self) -> keras.layers.Layer | None:
        """Make the normalization behind the last block, if there is one."""
        wanted = self.norm == "pre" if self.final_norm is None else self.final_norm
        return keras.layers.LayerNormalization(epsilon=1e-6, name=f"{self.side}_norm") if wanted else None

    def make_self_attention(self, causal: bool) -> HeadAttention:
        """Make one block's self-attention."""
        more: dict[str, Any] = {"dropout": self.attention_dropout, "name": "self_attention"}
        more["position"] = self._inside(causal)
        sizes = (self.heads, self.head_dim)
        if self.self_attention == "grouped_query":
            return GroupedQueryAttention(self.heads, self.key_heads, self.head_dim, **more)
        if self.self_attention == "multi_query":
            return MultiQueryAttention(*sizes, **more)
        if self.self_attention == "sliding_window":
            return SlidingWindowAttention(*sizes, self.self_window, **more)
        return MultiHeadAttention(*sizes, **more)

    def _inside(self, causal: bool) -> AttentionPositions | None:
        if self.position in AHEAD:
            return None
        kinds: dict[str, Any] = {
            "rotary": RotaryPositions,
            "relative": lambda: RelativePositions(16),  # the paper's limit for its base model
            "t5": lambda: T5Bias(bidirectional=not causal),
            "alibi": ALiBi,
        }
        return kinds[self.position]()

    def make_feed_forward(self) -> FeedForward:
        """Make one block's feed-forward network."""
        return FeedForward(self.feed_forward, self.activation, self.activation_dropout, name="feed_forward")
