"""Multi30k, English to German, in the form most papers score: lower-case, tokenized. Research use only (see below).

    keras-attn train multi30k-gru-tok --output runs/multi30k-gru-tok

The network of `multi30k-gru-raw` on the corpus' own lower-cased, normalized, Moses-tokenized files; scored with
sacreBLEU's tokenization "none", as published tokenized scores are.

Minutes: 31 of one CPU core. Score: 36.4 BLEU (tok:none), greedy, test_2016.

The captions derive from Flickr30K, whose terms allow non-commercial research and education only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keras_attn.recipes.multi30k import Multi30kRecipe, files
from keras_attn.recipes.settings import DataSettings, FitSettings, TextSettings


@dataclass(frozen=True)
class Multi30kGruTok(Multi30kRecipe):
    data: DataSettings = field(default_factory=lambda: files("tok/{split}.lc.norm.tok.{language}.gz"))
    text: TextSettings = field(default_factory=lambda: TextSettings(normalization="none", byte_fallback=False))
    training: FitSettings = field(default_factory=lambda: FitSettings(tokenize="none"))
    output: Path = Path("runs/multi30k-gru-tok")

    name = "multi30k-gru-tok"
