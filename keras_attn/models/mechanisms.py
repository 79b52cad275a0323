"""The parts that attention is put together from, by the names that a user gives."""

from __future__ import annotations

from keras_attn.layers import (
    AdditiveScoring,
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
    Weighing,
    WeightedSumFusion,
    Window,
)

SCORINGS: dict[str, type[Scoring]] = {
    "additive": AdditiveScoring,
    "dot": DotScoring,
    "scaled_dot": ScaledDotScoring,
    "general": GeneralScoring,
    "concat": ConcatScoring,
    "tanh_sum": TanhSumScoring,
    "cosine": CosineScoring,
    "location": LocationScoring,
}
ATTENTIONS = (*SCORINGS, "multi_head")
QUERIES = ("previous_state", "state", "token", "token_and_state")
WEIGHINGS: dict[str, type[Weighing]] = {
    "softmax": SoftmaxWeighing,
    "sparsemax": SparsemaxWeighing,
    "top_k": TopKWeighing,
    "sigmoid": SigmoidWeighing,
    "straight_through": StraightThroughWeighing,
}
WINDOWS: dict[str, type[Window]] = {
    "local_monotonic": LocalMonotonicWindow,
    "local_predictive": LocalPredictiveWindow,
}
FUSIONS: dict[str, type[Fusion]] = {
    "concat": ConcatFusion,
    "linear": LinearFusion,
    "attentional": AttentionalFusion,
    "gated": GatedFusion,
    "weighted_sum": WeightedSumFusion,
}
ONE_WIDTH = ("dot", "scaled_dot", "cosine")  # query and annotations are multiplied part by part


def make_scoring(name: str, units: int, query_width: int, places: int) -> Scoring:
    """The scoring of that name, given what any of them may want to know.

    Args:
        name: a key of `SCORINGS`.
        units: width of a hidden layer.
        query_width: width of the query.
        places: the longest source of a scoring that learns a number for each place.
    """
    kind = SCORINGS[name]
    if name in ONE_WIDTH:
        return kind()
    return kind({"general": query_width, "location": places}.get(name, units))  # type: ignore[arg-type]


def make_weighing(name: str, best: int) -> Weighing:
    """The weighing of that name; `best` is how many keys "top_k" reads."""
    return TopKWeighing(best) if name == "top_k" else WEIGHINGS[name]()


def make_window(name: str | None, width: int, units: int) -> Window | None:
    """The window of that name, `width` keys to each side; `units` is the hidden layer of a predicted center."""
    if name is None:
        return None
    return LocalPredictiveWindow(width, units) if name == "local_predictive" else WINDOWS[name](width)
