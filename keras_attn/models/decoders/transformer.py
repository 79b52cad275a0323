"""The decoder of a Transformer: every word looks at those before it, and at the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from keras_attn.errors import UserError, expect, one_of
from keras_attn.layers import (
    Attention,
    DecoderBlock,
    EmptyCache,
    HeadAttention,
    MemoryHeads,
    MultiHeadAttention,
    ScoredReader,
)
from keras_attn.models import mechanisms
from keras_attn.models.decoders.wiring import Wiring
from keras_attn.models.encoding import Encoding
from keras_attn.models.transformer import TransformerSizes


@dataclass(frozen=True)
class TransformerDecoder(TransformerSizes):
    """p(y_i | y_<i, x) = softmax(W block_N(... block_1(sqrt(d) e(y_<i) + positions, h))).

    Args:
        attention: what reads the source: "multi_head", or one head of a scoring by name, see `RNNDecoder`.
        weighing, window, top_k, window_width, max_source_length: of such a scoring, see `RNNDecoder`.
        tied: the softmax uses the target embeddings (Press and Wolf 2017).

    Source: Vaswani et al. 2017, section 3.1.
    """

    attention: str = "multi_head"
    weighing: str = "softmax"
    window: str | None = None
    top_k: int = 4
    window_width: int = 10
    max_source_length: int = 128
    tied: bool = True

    side = "decoder"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("top_k", "window_width", "max_source_length"):
            expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        one_of("attention", self.attention, mechanisms.ATTENTIONS)
        one_of("weighing", self.weighing, mechanisms.WEIGHINGS)
        one_of("window", self.window, (*mechanisms.WINDOWS, None))
        if self.attention == "multi_head":
            for name, plain in (("weighing", "softmax"), ("window", None)):
                if getattr(self, name) != plain:
                    raise UserError(
                        f"{name}: each head of attention='multi_head' has a softmax over the whole source; choose a "
                        "scoring, such as 'scaled_dot', to change that"
                    )

    def wire(self, vocabulary: int, embed: Callable[..., Any]) -> Wiring:
        """Make the layers once; `embed(ids)` gives word vectors."""
        enter = self.entrance()
        readers = [self._reader() for _ in range(self.layers)]
        blocks = [
            DecoderBlock(
                self.make_self_attention(causal=True),
                reader,
                self.make_feed_forward(),
                self.norm,
                self.dropout,
                name=f"decoder_{index}",
            )
            for index, reader in enumerate(readers)
        ]
        if self.attention != "multi_head":
            for index, reader in enumerate(readers):  # layers of one functional model need names of their own
                reader.attention.project_key.name = f"memory_key_{index}"
        norm = self.exit()
        project = None if self.tied else keras.layers.Dense(vocabulary, name="logits")
        own = blocks[0].self_attention
        empty = EmptyCache(self.layers, own.key_heads, own.head_dim, name="empty_cache")
        heads = MemoryHeads(self.layers, self.heads, self.head_dim, name="memory_heads")

        def start(encoding: Encoding) -> tuple[dict, dict]:
            if self.attention == "multi_head":
                read = heads(encoding.sequence)
            else:
                self._check_widths(encoding.sequence.shape[-1])
                read = [
                    {"key": reader.attention.project_key(encoding.sequence), "value": encoding.sequence}
                    for reader in readers
                ]
            return {"decoder": read, "mask": encoding.mask}, {}

        def step(tokens: Any, position: Any, memory: dict, state: dict) -> tuple[Any, dict, dict]:
            x = enter(embed(tokens), position)  # (batch, n, width)
            caches, new, weights = state.get("cache", [None] * self.layers), [], {}
            for block, read, cache in zip(blocks, memory["decoder"], caches, strict=True):
                told = {"source_mask": memory["mask"], "position": position, "cache": cache}
                x, weights[block.name], extended = block(x, read, **told)
                new.append(extended)
            return x if norm is None else norm(x), {"cache": new}, weights

        return Wiring(start, step, project, cache=lambda like: {"cache": empty(like)}, shares_memory=True)

    def _reader(self) -> HeadAttention | ScoredReader:
        if self.attention == "multi_head":
            return MultiHeadAttention(self.heads, self.head_dim, dropout=self.attention_dropout, name="attention")
        scoring = mechanisms.make_scoring(self.attention, self.width, self.width, self.max_source_length)
        weighing = mechanisms.make_weighing(self.weighing, self.top_k)
        window = mechanisms.make_window(self.window, self.window_width, self.width)
        return ScoredReader(Attention(scoring, weighing, window), name="attention")

    def _check_widths(self, features: int) -> None:
        if self.attention in mechanisms.ONE_WIDTH and features != self.width:
            raise UserError(
                f"attention: {self.attention!r} multiplies query and annotations part by part, but the query is "
                f"{self.width} wide and the annotations {features}; make them equal (a bidirectional recurrent encoder "
                "gives twice its units), or choose 'general', which has a matrix in between"
            )
