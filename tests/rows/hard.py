"""Hard attention: alone with what its loss needs, masked, causal, with the expectation for some."""

from __future__ import annotations

from typing import Any

from keras_attn.layers import AdditiveScoring, HardAttention, StraightThroughWeighing
from keras_attn.testing.specimen import SIZES, Spec, Specimen


def hard(**options: Any) -> HardAttention:
    return HardAttention(AdditiveScoring(SIZES["hidden"]), seed=1, **options)


QUERY, VALUE, KEY = (
    Spec("batch query_length query_features"),
    Spec("batch key_length features"),
    Spec("batch key_length key_features"),
)
CONTEXT, WEIGHTS = Spec("batch query_length features"), Spec("batch query_length key_length", "weights")
LOG_PROBABILITY = ENTROPY = Spec("batch query_length")
CLAIMS = frozenset({"sums to one", "key order", "random", "jumps"})
LEARNING = {"return_log_probability": True}  # nothing else has a gradient that reaches the scoring
EVERYTHING = {"return_attention_scores": True, **LEARNING}

ROWS: list[Specimen] = [
    Specimen(
        "hard-attention",
        hard,
        {"query": QUERY, "value": VALUE},
        (CONTEXT, LOG_PROBABILITY, ENTROPY),
        LEARNING,
        CLAIMS,
    ),
    Specimen(
        "hard-attention-masked",
        hard,
        {
            "query": QUERY,
            "value": VALUE,
            "key": KEY,
            "query_mask": Spec("batch query_length", "mask"),
            "value_mask": Spec("batch key_length", "mask"),
        },
        (CONTEXT, WEIGHTS, LOG_PROBABILITY, ENTROPY),
        EVERYTHING,
        CLAIMS,
    ),
    Specimen(
        "hard-attention-causal",
        lambda: hard(expected=0.5),
        {"query": QUERY, "value": VALUE, "attention_mask": Spec("batch query_length key_length", "mask")},
        (CONTEXT, WEIGHTS, LOG_PROBABILITY, ENTROPY),
        {**EVERYTHING, "use_causal_mask": True},
        CLAIMS | {"causal"},
    ),
    Specimen(
        "straight-through-weighing",
        lambda: StraightThroughWeighing(seed=1),
        {"scores": Spec("batch query_length key_length"), "visible": Spec("batch query_length key_length", "mask")},
        WEIGHTS,
        claims=CLAIMS - {"key order"},
    ),
]
