"""Attention pooling: one row, several, several of heads; with and without a mask and weights."""

from __future__ import annotations

from typing import Any

from keras_attn.layers import ContextVectorPooling, LearnedQueryPooling, SelfAttentivePooling
from keras_attn.testing.specimen import SIZES, Spec, Specimen

INPUTS, MASK = Spec("batch key_length features"), Spec("batch key_length", "mask")


def self_attentive(**options: Any) -> SelfAttentivePooling:
    return SelfAttentivePooling(SIZES["rows"], SIZES["hidden"], **options)


def context_vector() -> ContextVectorPooling:
    return ContextVectorPooling(SIZES["hidden"])


def learned_query() -> LearnedQueryPooling:
    return LearnedQueryPooling(SIZES["rows"], SIZES["units"], SIZES["heads"], head_dim=2)


KINDS = {
    "self-attentive-pooling": (self_attentive, "batch rows features", "batch rows key_length"),
    "context-vector-pooling": (context_vector, "batch features", "batch one key_length"),
    "learned-query-pooling": (learned_query, "batch rows units", "batch heads rows key_length"),
}

ROWS: list[Specimen] = [
    row
    for name, (make, summary, weights) in KINDS.items()
    for row in (
        Specimen(name, make, {"inputs": INPUTS}, Spec(summary)),
        Specimen(
            f"{name}-masked",
            make,
            {"inputs": INPUTS, "mask": MASK},
            (Spec(summary), Spec(weights, "weights")),
            {"return_attention_scores": True},
        ),
    )
]
ROWS.append(
    Specimen(
        "self-attentive-pooling-without-penalization",
        lambda: self_attentive(penalization=0.0),
        {"inputs": INPUTS},
        Spec("batch rows features"),
    )
)
