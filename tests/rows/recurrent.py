"""Decoder cells over a sequence: who asks, how the context enters, how weights are made, where the cell looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import layers

from keras_attn.layers import (
    AdditiveScoring,
    Attention,
    AttentionCell,
    ConcatFusion,
    GatedFusion,
    GeneralScoring,
    LinearFusion,
    LocalMonotonicWindow,
    LocalPredictiveWindow,
    LocationScoring,
    LuongCell,
    MultiHeadReader,
    SigmoidWeighing,
    SparsemaxWeighing,
    StraightThroughWeighing,
    TopKWeighing,
    Unroll,
    WeightedSumFusion,
)
from keras_attn.testing.specimen import SIZES, USUAL, Spec, Specimen

UNITS, HIDDEN, WIDTH, PLACES = SIZES["units"], SIZES["hidden"], 1, 11
WEIGHTS = Spec("batch query_length key_length", "weights")
HEADS = str(2 * SIZES["heads"])
STATES = {"lstm": ["units", "units"], "gru": ["units"], "stack": ["below", "below", "units"]}


def cell(kind: str, units: int = UNITS) -> layers.Layer:
    if kind == "stack":
        return layers.StackedRNNCells([cell("lstm", SIZES["below"]), cell("gru")])
    # Keras' default, an orthogonal matrix, cannot be computed in bfloat16.
    options: dict[str, Any] = {"recurrent_initializer": "glorot_uniform"}
    return layers.GRUCell(units, reset_after=False, **options) if kind == "gru" else layers.LSTMCell(units, **options)


def unrolled(
    name: str,
    make: Callable[[], layers.Layer],
    kind: str = "gru",
    output: str = "units",
    fed: bool = False,
    key: str = "hidden",
    value: str = "features",
    read: str = "features",
    **more: Any,
) -> Specimen:
    """The row of `Unroll(make())`; `kind` says which states there are, the rest how wide all is."""
    state = [Spec(f"batch {size}") for size in (*STATES[kind], *(["units"] if fed else []))]
    memory = {
        "key": Spec(f"batch key_length {key}"),
        "value": Spec(f"batch key_length {value}"),
        "mask": Spec("batch key_length", "mask"),
    }
    context = Spec(f"batch query_length {read}")
    parts = {"output": Spec(f"batch query_length {output}"), "context": context, "weights": WEIGHTS}
    inputs = {"inputs": Spec("batch query_length embedding"), "state": state, "memory": memory}
    claims = more.pop("claims", USUAL) | {"causal"}
    return Specimen(f"unroll-{name}", lambda: Unroll(make()), inputs, (parts, state), claims=claims, **more)


def bahdanau(scoring: Any = AdditiveScoring, units: int = HIDDEN, **options: Any) -> AttentionCell:
    parts = {name: options.pop(name) for name in ("weighing", "window") if name in options}
    return AttentionCell(cell("gru"), Attention(scoring(units), **parts), **options)


def luong(kind: str = "gru", window: Any = None, **options: Any) -> LuongCell:
    return LuongCell(cell(kind), Attention(GeneralScoring(UNITS), window=window), **options)


def near(position: int) -> Callable[[dict[str, Any]], np.ndarray]:
    """The rule of `LocalMonotonicWindow` for tokens that are counted from `position`."""

    def sees(arrays: dict[str, Any]) -> np.ndarray:
        keys, queries = arrays["memory"]["mask"].shape[1], arrays["inputs"].shape[1]
        return np.abs(np.arange(keys) - position - np.arange(queries)[:, None]) <= WIDTH

    return sees


ROWS: list[Specimen] = [
    # Who asks
    unrolled("token", lambda: bahdanau(query="token")),
    unrolled(
        "location",
        lambda: bahdanau(LocationScoring, PLACES, query="token_and_state", fusion=LinearFusion("relu")),
        key="features",
        claims=frozenset({"sums to one"}),  # keys aren't asked: none gets a gradient
    ),
    *(
        unrolled(name, make, key=HEADS, value=HEADS, read="units", fed=name.startswith("luong"))
        for name, make in {
            "multi-head": lambda: AttentionCell(cell("gru"), MultiHeadReader(SIZES["heads"], 2)),
            "luong-multi-head": lambda: LuongCell(cell("gru"), MultiHeadReader(SIZES["heads"], 2)),
        }.items()
    ),
    # How the context enters
    unrolled("linear", lambda: bahdanau(fusion=LinearFusion())),
    unrolled("gated", lambda: bahdanau(fusion=GatedFusion())),
    unrolled("weighted-sum", lambda: bahdanau(fusion=WeightedSumFusion())),
    # How weights are made
    unrolled("sparsemax", lambda: bahdanau(weighing=SparsemaxWeighing()), claims=USUAL - {"positive"}),
    unrolled("top-k", lambda: bahdanau(weighing=TopKWeighing(2)), claims=USUAL - {"positive"} | {"jumps"}),
    unrolled("sigmoid", lambda: bahdanau(weighing=SigmoidWeighing()), claims=USUAL - {"sums to one"}),
    unrolled(
        "straight-through",
        lambda: bahdanau(weighing=StraightThroughWeighing(seed=1)),
        claims=USUAL - {"positive"} | {"random", "jumps"},
    ),
    # Where it looks
    unrolled(
        "local-monotonic",
        lambda: bahdanau(window=LocalMonotonicWindow(WIDTH)),
        claims=USUAL - {"key order"},
        sees=near(0),
    ),
    unrolled(
        "local-predictive",
        lambda: bahdanau(window=LocalPredictiveWindow(2 * WIDTH, SIZES["below"])),
        claims=frozenset({"jumps"}),
    ),
    unrolled(
        "local-straight-through",
        lambda: bahdanau(window=LocalMonotonicWindow(WIDTH), weighing=StraightThroughWeighing(seed=1)),
        claims=frozenset({"sums to one", "random", "jumps"}),
        sees=near(0),
    ),
    # After the step
    unrolled("luong-gru", luong, fed=True, key="units"),
    unrolled("luong-lstm", lambda: luong("lstm"), "lstm", fed=True, key="units"),
    unrolled("luong-stack", lambda: luong("stack"), "stack", fed=True, key="units"),
    unrolled("luong-without-input-feeding", lambda: luong(input_feeding=False), key="units"),
    unrolled(
        "luong-concat",
        lambda: luong(input_feeding=False, fusion=ConcatFusion()),
        output=str(UNITS + SIZES["features"]),
        key="units",
    ),
    unrolled(
        "luong-local-monotonic",
        lambda: luong(window=LocalMonotonicWindow(WIDTH)),
        fed=True,
        key="units",
        claims=USUAL - {"key order"},
        sees=near(0),
    ),
    unrolled(
        "luong-local-predictive",
        lambda: luong(window=LocalPredictiveWindow(2 * WIDTH, SIZES["below"])),
        fed=True,
        key="units",
        claims=frozenset({"jumps"}),
    ),
]
