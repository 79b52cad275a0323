"""Scorings, weighings and fusions alone; attention with each scoring, each weighing and each window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    AttentionalFusion,
    ConcatFusion,
    ConcatScoring,
    CosineScoring,
    DotScoring,
    Fusion,
    GatedFusion,
    GeneralScoring,
    LinearFusion,
    LocalMonotonicWindow,
    LocalPredictiveWindow,
    LocationScoring,
    ScaledDotScoring,
    Scoring,
    SigmoidWeighing,
    SoftmaxWeighing,
    SparsemaxWeighing,
    StraightThroughWeighing,
    TanhSumScoring,
    TopKWeighing,
    UnitVector,
    Weighing,
    WeightedSumFusion,
)
from keras_attn.testing.specimen import SIZES, USUAL, Spec, Specimen

HIDDEN, WIDTH = SIZES["hidden"], 1  # of a window
PLACES = 11  # more than there are keys, also where some are added
CONTEXT, WEIGHTS = Spec("batch query_length features"), Spec("batch query_length key_length", "weights")
SCORES = Spec("batch query_length key_length")
QUERY, KEY = Spec("batch query_length query_features"), Spec("batch key_length key_features")
MASKS = {"query_mask": Spec("batch query_length", "mask"), "value_mask": Spec("batch key_length", "mask")}
SHOWN = {"return_attention_scores": True}

# Each scoring, the width of its queries, the width of the keys that it is given projected, and of all keys.
SCORINGS: dict[str, tuple[Callable[[], Scoring], str, str, str]] = {
    "additive": (lambda: AdditiveScoring(HIDDEN), "query_features", "hidden", "key_features"),
    "concat": (lambda: ConcatScoring(HIDDEN), "query_features", "hidden", "key_features"),
    "tanh-sum": (lambda: TanhSumScoring(HIDDEN), "query_features", "hidden", "key_features"),
    "general": (lambda: GeneralScoring(SIZES["units"]), "units", "units", "key_features"),
    "dot": (DotScoring, "units", "units", "units"),
    "scaled-dot": (ScaledDotScoring, "units", "units", "units"),
    "cosine": (CosineScoring, "units", "units", "units"),
    "location": (lambda: LocationScoring(PLACES), "query_features", "key_features", "key_features"),
}
# Each weighing, and what is claimed of it.
WEIGHINGS: dict[str, tuple[Callable[[], Weighing], frozenset[str]]] = {
    "softmax": (SoftmaxWeighing, USUAL),
    "sparsemax": (SparsemaxWeighing, USUAL - {"positive"}),
    "top-k": (lambda: TopKWeighing(2), USUAL - {"positive"} | {"jumps"}),
    "sigmoid": (SigmoidWeighing, USUAL - {"sums to one"}),
    "straight-through": (lambda: StraightThroughWeighing(seed=1), USUAL - {"positive"} | {"random", "jumps"}),
}
FUSIONS: dict[str, tuple[Callable[[], Fusion], str]] = {
    "concat": (ConcatFusion, str(SIZES["features"] + SIZES["units"])),
    "linear": (LinearFusion, "features"),
    "linear-relu": (lambda: LinearFusion("relu"), "features"),
    "attentional": (AttentionalFusion, "features"),
    "gated": (GatedFusion, "features"),
    "weighted-sum": (WeightedSumFusion, "features"),
}


def ordered(name: str, claims: frozenset[str]) -> frozenset[str]:
    """A scoring by place is about the order of keys; and as it doesn't ask them, none gets a gradient."""
    return claims - {"key order", "positive"} if name == "location" else claims


def masked(query: str = "query_features", key: str = "key_features") -> dict[str, Spec]:
    return {
        "query": Spec(f"batch query_length {query}"),
        "value": Spec("batch key_length features"),
        "key": Spec(f"batch key_length {key}"),
        **MASKS,
    }


def attention(**parts: Any) -> Attention:
    return Attention(AdditiveScoring(HIDDEN), **parts)


def near(arrays: dict[str, Any]) -> np.ndarray:
    """The rule of `LocalMonotonicWindow`."""
    queries, keys = arrays["query"].shape[1], arrays["value"].shape[1]
    return np.abs(np.arange(keys) - np.arange(queries)[:, None]) <= WIDTH


ROWS: list[Specimen] = [
    *(
        Specimen(
            f"{name}-scoring",
            make,
            {"query": Spec(f"batch query_length {query}"), "key": Spec(f"batch key_length {key}")},
            SCORES,
            claims=ordered(name, frozenset({"key order"})),
        )
        for name, (make, query, key, _) in SCORINGS.items()
        if name != "additive"
    ),
    Specimen("unit-vector", UnitVector, {"inputs": KEY}, KEY, claims=frozenset()),
    *(
        Specimen(
            f"attention-{name}",
            lambda make=make: Attention(make()),  # type: ignore[misc]
            masked(query, key),
            (CONTEXT, WEIGHTS),
            SHOWN,
            ordered(name, USUAL),
        )
        for name, (make, query, _, key) in SCORINGS.items()
        if name != "additive"
    ),
    *(
        Specimen(
            f"{name}-weighing",
            make,
            {"scores": SCORES, "visible": Spec("batch query_length key_length", "mask")},
            WEIGHTS,
            claims=claims - {"key order"},
        )
        for name, (make, claims) in WEIGHINGS.items()
        if name != "straight-through"
    ),
    *(
        Specimen(
            f"attention-{name}",
            lambda make=make: attention(weighing=make()),  # type: ignore[misc]
            masked(),
            (CONTEXT, WEIGHTS),
            SHOWN,
            claims,
        )
        for name, (make, claims) in WEIGHINGS.items()
        if name != "softmax"
    ),
    Specimen(
        "attention-local-monotonic",
        lambda: attention(window=LocalMonotonicWindow(WIDTH)),
        masked(),
        (CONTEXT, WEIGHTS),
        SHOWN,
        USUAL - {"key order"},
        near,
    ),
    Specimen(
        "attention-local-monotonic-causal",
        lambda: attention(window=LocalMonotonicWindow(WIDTH), weighing=SparsemaxWeighing()),
        {"query": QUERY, "value": Spec("batch key_length features"), "query_mask": MASKS["query_mask"]},
        (CONTEXT, WEIGHTS),
        {**SHOWN, "use_causal_mask": True},
        USUAL - {"key order", "positive"},
        near,
    ),
    Specimen(
        "attention-local-predictive",
        lambda: attention(window=LocalPredictiveWindow(2 * WIDTH, SIZES["below"])),
        masked(),
        (CONTEXT, WEIGHTS),
        SHOWN,
        frozenset({"jumps"}),  # what is farther from the center fades, and what is not in the window is not seen
    ),
    *(
        Specimen(
            f"{name}-fusion",
            make,
            {"vector": Spec("batch features"), "context": Spec("batch units")},
            Spec(f"batch {width}"),
            claims=frozenset(),
        )
        for name, (make, width) in FUSIONS.items()
    ),
]
