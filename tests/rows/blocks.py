"""What a Transformer stacks."""

from __future__ import annotations

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    DecoderBlock,
    EncoderBlock,
    FeedForward,
    MaskedMean,
    MemoryHeads,
    MultiHeadAttention,
    Residual,
    ScoredReader,
)
from keras_attn.testing.specimen import SIZES, Spec, Specimen

X, OWN = Spec("batch query_length query_features"), frozenset({"causal"})
KEYS, VALUES = Spec("batch heads key_length 6"), Spec("batch heads key_length 4")
MASK = Spec("batch key_length", "mask")
HEADS, HEAD_DIM, VALUE_DIM = SIZES["heads"], 6, 4


def heads() -> MultiHeadAttention:
    return MultiHeadAttention(HEADS, HEAD_DIM, value_dim=VALUE_DIM)


def encoder(norm: str) -> EncoderBlock:
    return EncoderBlock(heads(), FeedForward(SIZES["hidden"]), norm)


def decoder(norm: str, reads: str) -> DecoderBlock:
    attention = heads() if reads == "heads" else ScoredReader(Attention(AdditiveScoring(SIZES["hidden"])))
    return DecoderBlock(heads(), attention, FeedForward(SIZES["hidden"], "swiglu"), norm)


CACHE = {"key": Spec("batch heads query_length 6"), "value": Spec("batch heads query_length 4")}
MEMORY = {"key": KEYS, "value": VALUES}
SCORED = {"key": Spec("batch key_length hidden"), "value": Spec("batch key_length features")}

ROWS: list[Specimen] = [
    *(
        Specimen(f"feed-forward-{name}", lambda name=name: FeedForward(SIZES["hidden"], name), {"x": X}, X, claims=OWN)
        for name in ("relu", "gelu", "swiglu")
    ),
    # "pre" normalizes in `enter`, which is no call; the blocks have both.
    Specimen("residual-post", lambda: Residual("post"), {"x": X, "y": X}, X, claims=frozenset()),
    *(
        Specimen(
            f"encoder-block-{norm}",
            lambda norm=norm: encoder(norm),
            {"x": X},  # a mask hides a position from others, not from itself: `tests/layers/test_transformer_blocks.py`
            X,
            claims=frozenset(),
        )
        for norm in ("pre", "post")
    ),
    Specimen(
        "decoder-block-pre",
        lambda: decoder("pre", "heads"),
        {"x": X, "memory": MEMORY, "source_mask": MASK},
        (X, Spec("batch heads query_length key_length", "weights"), CACHE),
        claims=frozenset({"sums to one", "positive", "key order", "causal", "more than context"}),
    ),
    Specimen(
        "decoder-block-post-scored",
        lambda: decoder("post", "additive"),
        {"x": X, "memory": SCORED, "source_mask": MASK},
        (X, Spec("batch 1 query_length key_length", "weights"), CACHE),
        claims=frozenset({"sums to one", "positive", "key order", "causal", "more than context"}),
    ),
    Specimen(
        "memory-heads",
        lambda: MemoryHeads(2, HEADS, HEAD_DIM, VALUE_DIM),
        {"x": Spec("batch key_length features")},
        [MEMORY, MEMORY],
    ),
    Specimen(
        "memory-heads-no-bias",
        lambda: MemoryHeads(1, HEADS, HEAD_DIM, use_bias=False),
        {"x": Spec("batch key_length features")},
        [{"key": KEYS, "value": KEYS}],
    ),
    Specimen(
        "masked-mean",
        MaskedMean,
        {"x": Spec("batch key_length features"), "mask": MASK},
        Spec("batch features"),
    ),
]
