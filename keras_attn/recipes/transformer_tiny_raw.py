"""Multi30k, English to German, by a small Transformer, as people write it: cased, with punctuation. Research use only.

    keras-attn train transformer-tiny-raw --output runs/transformer-tiny-raw

The network and the training of `transformer-tiny-tok` on the raw text. Score: 40.2 BLEU (cased, detokenized, sacreBLEU
13a), beam of 5, test_2016.

The captions derive from Flickr30K, whose terms allow non-commercial research and education only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keras_attn.recipes.multi30k import Multi30kRecipe, files
from keras_attn.recipes.settings import DataSettings
from keras_attn.recipes.transformer import TransformerRecipe


@dataclass(frozen=True)
class TransformerTinyRaw(TransformerRecipe, Multi30kRecipe):
    data: DataSettings = field(default_factory=lambda: files("{split}.{language}.gz"))
    output: Path = Path("runs/transformer-tiny-raw")

    name = "transformer-tiny-raw"
