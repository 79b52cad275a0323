"""`transformer-tiny-raw` in 2,500 updates: for work on speed, decoding and serving. Research use only (see there).

keras-attn train transformer-tiny-fast --output runs/transformer-tiny-fast

Score: 38.1 BLEU (cased, detokenized, sacreBLEU 13a), beam of 5, test_2016.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keras_attn.recipes.settings import FitSettings
from keras_attn.recipes.transformer import fit_settings
from keras_attn.recipes.transformer_tiny_raw import TransformerTinyRaw


@dataclass(frozen=True)
class TransformerTinyFast(TransformerTinyRaw):
    training: FitSettings = field(
        default_factory=lambda: fit_settings(updates=2500, warmup=600, schedule="linear", ema=None)
    )
    output: Path = Path("runs/transformer-tiny-fast")

    name = "transformer-tiny-fast"
