"""The attentive LSTM: last state or all, with weights, behind a mask, going on from a state."""

from __future__ import annotations

from typing import Any

from keras_attn.layers import LSTMN
from keras_attn.testing.specimen import SIZES, Spec, Specimen


def lstmn(**options: Any) -> LSTMN:
    # Keras' default, an orthogonal matrix, cannot be computed in bfloat16.
    return LSTMN(SIZES["units"], SIZES["hidden"], recurrent_initializer="glorot_uniform", **options)


INPUTS, MASK = Spec("batch key_length features"), Spec("batch key_length", "mask")
SEQUENCE, WEIGHTS = Spec("batch key_length units"), Spec("batch key_length key_length", "weights")

ROWS: list[Specimen] = [
    Specimen("lstmn", lstmn, {"inputs": INPUTS}, Spec("batch units"), claims=frozenset()),
    Specimen(
        "lstmn-sequences",
        lambda: lstmn(return_sequences=True),
        {"inputs": INPUTS},
        SEQUENCE,
        claims=frozenset({"causal"}),
    ),
    Specimen(
        "lstmn-sequences-masked",
        lambda: lstmn(return_sequences=True),
        {"inputs": INPUTS, "mask": MASK},
        (SEQUENCE, WEIGHTS),
        {"return_attention_scores": True},
        frozenset({"causal"}),
    ),
]
