"""Your own pairs, as `text-to-text` reads them, to a Transformer.

    keras-attn train text-to-text-transformer --data.train my.tsv --output runs/mine
    keras-attn train text-to-text-transformer --data.train my.tsv --encoder.position rotary --decoder.position rotary

The sizes are those of `transformer-tiny` (4 + 4 layers of width 128), good for some ten thousand pairs;
`--encoder.layers` and so on make it larger. See `transformer-tiny-tok` for what it reaches on a known corpus.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_attn.models import TransformerDecoder, TransformerEncoder
from keras_attn.recipes.settings import FitSettings, SearchSettings, TextSettings
from keras_attn.recipes.text_to_text import TextToTextRecipe


def fit_settings(**fields: Any) -> FitSettings:
    """As Wu et al. 2021 train one of this size; but the rate falls to zero, and an average of the weights is kept."""
    return FitSettings(
        **{
            "epochs": None,
            "updates": 8000,
            "updates_per_epoch": 250,
            "tokens_per_batch": 4096,
            "shapes": 8,
            "schedule": "linear",
            "peak": 5e-3,
            "warmup": 2000,
            "ema": 0.999,
            "jit": True,
            **fields,
        }
    )


@dataclass(frozen=True)
class TransformerRecipe(TextToTextRecipe):
    """A small Transformer, learned from pairs of text."""

    text: TextSettings = field(default_factory=lambda: TextSettings(vocabulary_size=10_000, shared=True))
    # A recipe's fields are never assigned to, so a Transformer may stand where the parent has a recurrent network.
    encoder: TransformerEncoder = field(default_factory=lambda: TransformerEncoder(norm="pre", dropout=0.3))  # type: ignore[assignment]
    decoder: TransformerDecoder = field(default_factory=lambda: TransformerDecoder(norm="pre", dropout=0.3))  # type: ignore[assignment]
    training: FitSettings = field(default_factory=fit_settings)
    search: SearchSettings = field(default_factory=lambda: SearchSettings(beam=5))
    output: Path = Path("runs/text-to-text-transformer")

    name = "text-to-text-transformer"
