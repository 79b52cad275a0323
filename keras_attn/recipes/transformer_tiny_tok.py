"""Multi30k, English to German, by a small Transformer, in the form most papers score. Research use only (see below).

    keras-attn train transformer-tiny-tok --output runs/transformer-tiny-tok

4 + 4 layers of width 128, feed-forward 256, 4 heads, dropout 0.3, one table of embeddings for source, target and
softmax; the corpus' own lower-cased, normalized, Moses-tokenized files, 10,000 byte-pair pieces of both languages.

Three seeds: 40.7 ± 0.4 BLEU (sacreBLEU, tok:none), beam of 5, test_2016; about 75 minutes of one core each.

The captions derive from Flickr30K, whose terms allow non-commercial research and education only.

Source: Wu et al. 2021, "Good for Misconceived Reasons", whose run of this size has 41.02 BLEU.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keras_attn.recipes.multi30k import Multi30kRecipe, files
from keras_attn.recipes.settings import DataSettings, FitSettings, TextSettings
from keras_attn.recipes.transformer import TransformerRecipe, fit_settings


@dataclass(frozen=True)
class TransformerTinyTok(TransformerRecipe, Multi30kRecipe):
    data: DataSettings = field(default_factory=lambda: files("tok/{split}.lc.norm.tok.{language}.gz"))
    text: TextSettings = field(
        default_factory=lambda: TextSettings(
            vocabulary_size=10_000, shared=True, normalization="none", byte_fallback=False
        )
    )
    training: FitSettings = field(default_factory=lambda: fit_settings(tokenize="none"))
    output: Path = Path("runs/transformer-tiny-tok")

    name = "transformer-tiny-tok"
