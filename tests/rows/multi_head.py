"""Multi-head attention and its family: plain, under every mask with weights, causal, each option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_attn.layers import (
    GroupedQueryAttention,
    HeadAttention,
    MultiHeadAttention,
    MultiQueryAttention,
    SlidingWindowAttention,
)
from keras_attn.testing.specimen import SIZES, USUAL, Spec, Specimen

QUERY = Spec("batch query_length query_features")
VALUE, KEY = Spec("batch key_length features"), Spec("batch key_length key_features")
MASKS = {
    "query_mask": Spec("batch query_length", "mask"),
    "value_mask": Spec("batch key_length", "mask"),
    "key_mask": Spec("batch key_length", "mask"),
}
PAIRS = Spec("batch query_length key_length", "mask")
SCORES, CAUSAL = {"return_attention_scores": True}, {"use_causal_mask": True}
OUTPUT = Spec("batch query_length query_features")


def attention(**options: Any) -> MultiHeadAttention:
    return MultiHeadAttention(SIZES["heads"], 3, **options)


def grouped() -> GroupedQueryAttention:
    return GroupedQueryAttention(6, 2, 3, value_dim=4)


def multi_query() -> MultiQueryAttention:
    return MultiQueryAttention(SIZES["heads"], 3, value_dim=4)


def rows(name: str, make: Callable[[], HeadAttention], heads: str = "heads") -> list[Specimen]:
    """A layer under every mask, and causal, with weights."""
    weights = Spec(f"batch {heads} query_length key_length", "weights")
    arguments = {"query": QUERY, "value": VALUE}
    return [
        Specimen(f"{name}-masked", make, {**arguments, "key": KEY, **MASKS}, (OUTPUT, weights), SCORES),
        Specimen(f"{name}-causal", make, {**arguments, "attention_mask": PAIRS}, (OUTPUT, weights), SCORES | CAUSAL),
    ]


def sliding(**options: Any) -> SlidingWindowAttention:
    return SlidingWindowAttention(SIZES["heads"], 3, window=1, **options)


ITSELF = {"query": QUERY, "value": Spec("batch query_length features")}
NEAR = USUAL - {"key order", "sums to one", "positive"}  # weights have places for what is near only

ROWS: list[Specimen] = [
    Specimen("multi-head", attention, {"query": QUERY, "value": VALUE}, OUTPUT),
    *rows("multi-head", attention),
    Specimen(
        "multi-head-options",
        lambda: attention(value_dim=5, units=SIZES["units"], use_bias=False, kernel_initializer="he_normal"),
        {"query": QUERY, "value": VALUE},
        Spec("batch query_length units"),
    ),
    Specimen(
        "multi-head-dropout",
        lambda: attention(dropout=0.4, seed=3),
        {"query": QUERY, "value": VALUE},
        OUTPUT,
        claims=USUAL | {"random"},
    ),
    *rows("grouped-query", grouped, "6"),
    *rows("multi-query", multi_query),
    Specimen("sliding-window", sliding, ITSELF, OUTPUT, claims=NEAR),
    Specimen(
        "sliding-window-masked",
        sliding,
        {**ITSELF, "query_mask": MASKS["query_mask"], "value_mask": Spec("batch query_length", "mask")},
        (OUTPUT, Spec("batch heads query_length 3")),
        SCORES,
        NEAR,
    ),
    Specimen(
        "sliding-window-causal",
        lambda: sliding(value_dim=5, units=SIZES["units"], use_bias=False),
        ITSELF,
        (Spec("batch query_length units"), Spec("batch heads query_length 2")),
        SCORES | CAUSAL,
        NEAR | {"causal"},
    ),
]
