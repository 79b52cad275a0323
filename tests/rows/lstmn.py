"""The attentive LSTM: last state or all, with weights, behind a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_attn.layers import LSTMN
from keras_attn.testing.specimen import SIZES, Spec, Specimen


def lstmn(**options: Any) -> LSTMN:
    # Keras' default, an orthogonal matrix, cannot be computed in bfloat16.
    return LSTMN(SIZES["units"], SIZES["hidden"], recurrent_initializer="glorot_uniform", **options)


def past(arrays: dict[str, Any]) -> np.ndarray:
    """Step t sees the steps before it, not itself."""
    return np.tri(arrays["inputs"].shape[1], k=-1, dtype=bool)


INPUTS, MASK = Spec("batch key_length features"), Spec("batch key_length", "mask")
SEQUENCE, WEIGHTS = Spec("batch key_length units"), Spec("batch key_length key_length", "weights")
# A step without a past still has its input.
CLAIMS = frozenset({"sums to one", "positive", "causal", "more than context"})

ROWS: list[Specimen] = [
    Specimen("lstmn", lstmn, {"inputs": INPUTS}, Spec("batch units"), claims=frozenset()),
    Specimen(
        "lstmn-sequences",
        lambda: lstmn(return_sequences=True),
        {"inputs": INPUTS},
        (SEQUENCE, WEIGHTS),
        {"return_attention_scores": True},
        CLAIMS,
        past,
    ),
    Specimen(
        "lstmn-masked",
        lambda: lstmn(return_sequences=True),
        {"inputs": INPUTS, "mask": MASK},
        (SEQUENCE, WEIGHTS),
        {"return_attention_scores": True},
        CLAIMS,
        past,
    ),
]
