"""What the Multi30k recipes share: where the corpus lies, and fetching it if it does not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from keras_attn.data.multi30k import TEXTS, fetch
from keras_attn.recipes.run import Run
from keras_attn.recipes.settings import DataSettings
from keras_attn.recipes.text_to_text import TextToTextRecipe


def folder() -> Path:
    """`$KERAS_ATTN_DATA/multi30k`; `data/multi30k` if that is not set."""
    return Path(os.environ.get("KERAS_ATTN_DATA", "data")) / "multi30k"


def files(pattern: str) -> DataSettings:
    """The three splits of the corpus.

    Args:
        pattern: a file's name, with {split} and {language}.
    """

    def pair(split: str) -> tuple[str, ...]:
        return tuple(str(folder() / pattern.format(split=split, language=language)) for language in ("en", "de"))

    return DataSettings(train=pair("train"), valid=pair("val"), test=pair("test_2016_flickr"))


@dataclass(frozen=True)
class Multi30kRecipe(TextToTextRecipe):
    """A text-to-text recipe that can fetch its corpus."""

    terms = "Data: Multi30k, derived from Flickr30K; non-commercial research and education only."

    def train(self) -> Run:
        """Fetch what is missing of the corpus' own files, then train."""
        root, own = folder(), []
        for path in (*self.data.train, *self.data.valid, *self.data.test):
            if Path(path).is_relative_to(root) and (name := Path(path).relative_to(root).as_posix()) in TEXTS:
                own.append(name)
        fetch(root, own)
        return super().train()
