"""Positions: added to embeddings, and inside attention."""

from __future__ import annotations

from collections.abc import Callable

from keras_attn.layers import (
    ALiBi,
    AttentionPositions,
    LearnedPositions,
    MultiHeadAttention,
    RelativePositions,
    RotaryPositions,
    SinePositions,
    SlidingWindowAttention,
    T5Bias,
)
from keras_attn.testing.specimen import SIZES, Spec, Specimen

X, QUERY = Spec("batch query_length features"), Spec("batch query_length query_features")
VALUE, MASK = Spec("batch key_length features"), Spec("batch key_length", "mask")
WEIGHTS = Spec("batch heads query_length key_length", "weights")

INSIDE: dict[str, Callable[[], AttentionPositions]] = {
    "rotary": lambda: RotaryPositions(wavelength=100.0),
    "relative": lambda: RelativePositions(2),
    "relative-keys": lambda: RelativePositions(1, values=False),
    "t5-bias": lambda: T5Bias(8, 7),
    "t5-bias-causal": lambda: T5Bias(4, 5, bidirectional=False),
    "alibi": ALiBi,
}


def inside(make: Callable[[], AttentionPositions]) -> Callable[[], MultiHeadAttention]:
    return lambda: MultiHeadAttention(SIZES["heads"], 6, value_dim=5, position=make())


ROWS: list[Specimen] = [
    Specimen("sine-positions", lambda: SinePositions(100.0), {"x": X}, X, claims=frozenset()),
    Specimen("learned-positions", lambda: LearnedPositions(SIZES["below"]), {"x": X}, X, claims=frozenset()),
    *(
        Specimen(
            f"multi-head-{name}",
            inside(make),
            {"query": QUERY, "value": VALUE, "value_mask": MASK},
            (QUERY, WEIGHTS),
            {"return_attention_scores": True},
            frozenset({"sums to one", "positive"}),
        )
        for name, make in INSIDE.items()
    ),
    Specimen(
        "sliding-window-relative",
        lambda: SlidingWindowAttention(SIZES["heads"], 6, window=1, position=RelativePositions(2)),
        {"query": QUERY, "value": X},
        QUERY,
        claims=frozenset(),
    ),
]
