"""Mixtures: experts under attention, and heads that tokens choose among."""

from __future__ import annotations

from typing import Any

from keras import layers

from keras_attn.layers import ExpertAttention, MixtureOfHeads
from keras_attn.testing.specimen import SIZES, Spec, Specimen


def experts(**options: Any) -> ExpertAttention:
    networks = [
        layers.Dense(SIZES["features"], activation="tanh") if index % 2 else layers.Dense(SIZES["features"])
        for index in range(SIZES["experts"])
    ]
    return ExpertAttention(networks, SIZES["hidden"], **options)


def heads(active: int = SIZES["heads"], **options: Any) -> MixtureOfHeads:
    return MixtureOfHeads(SIZES["units"], active, SIZES["below"], value_dim=SIZES["hidden"], **options)


INPUTS, QUERY = Spec("batch query_length query_features"), Spec("batch query_length query_features")
VALUE, KEY = Spec("batch key_length features"), Spec("batch key_length key_features")
MIXED, LISTENED = Spec("batch query_length features"), Spec("batch query_length experts", "weights")
GATES, WEIGHTS = Spec("batch query_length units"), Spec("batch heads query_length key_length", "weights")
SHOWN = {"return_attention_scores": True}
LISTENING = frozenset({"sums to one", "positive"})  # an expert has a place: another order is another layer
# Between experts that are wanted nearly as much, rounding may choose.
HEADS = frozenset({"sums to one", "positive", "key order", "jumps"})

ROWS: list[Specimen] = [
    Specimen("expert-attention", experts, {"inputs": INPUTS}, MIXED, claims=LISTENING),
    Specimen(
        "expert-attention-learned-keys",
        lambda: experts(keys="learned"),
        {"inputs": INPUTS, "mask": Spec("batch query_length", "mask")},
        (MIXED, LISTENED),
        SHOWN,
        LISTENING,
    ),
    Specimen(
        "expert-attention-query",
        experts,
        {
            "inputs": INPUTS,
            "query": Spec("batch query_length key_features"),
            "query_mask": Spec("batch query_length", "mask"),
            "expert_mask": Spec("batch query_length experts", "mask"),
        },
        (MIXED, LISTENED),
        SHOWN,
        LISTENING,
    ),
    Specimen("mixture-of-heads", heads, {"query": QUERY, "value": VALUE}, QUERY, claims=HEADS),
    Specimen(
        "mixture-of-heads-masked",
        heads,
        {
            "query": QUERY,
            "value": VALUE,
            "key": KEY,
            "query_mask": Spec("batch query_length", "mask"),
            "value_mask": Spec("batch key_length", "mask"),
        },
        (QUERY, WEIGHTS, GATES),
        {**SHOWN, "return_gates": True},
        HEADS,
    ),
    Specimen(
        "mixture-of-heads-causal",
        lambda: heads(active=1, dropout=0.1, seed=1),
        {"query": QUERY, "value": VALUE, "attention_mask": Spec("batch query_length key_length", "mask")},
        (QUERY, Spec("batch one query_length key_length", "weights")),
        {**SHOWN, "use_causal_mask": True},
        HEADS | {"causal", "random"},
    ),
]
