"""Multi30k, English to German, as people write it: cased, with punctuation. Research use only (see below).

    keras-attn train multi30k-gru-raw --output runs/multi30k-gru-raw

A bidirectional GRU of 256 units, Bahdanau attention, 6,000 byte-pair pieces. The best epoch on the first 1,000
validation sentences (sacreBLEU 13a) is kept; test_2016 is scored once at the end, greedily.

Minutes: 31 of one CPU core. Score: 35.2 BLEU (cased, detokenized, sacreBLEU 13a), greedy, test_2016.

The captions derive from Flickr30K, whose terms allow non-commercial research and education only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keras_attn.recipes.multi30k import Multi30kRecipe, files
from keras_attn.recipes.settings import DataSettings


@dataclass(frozen=True)
class Multi30kGruRaw(Multi30kRecipe):
    data: DataSettings = field(default_factory=lambda: files("{split}.{language}.gz"))
    output: Path = Path("runs/multi30k-gru-raw")

    name = "multi30k-gru-raw"
