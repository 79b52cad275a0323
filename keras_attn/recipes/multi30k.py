"""Where Multi30k lies."""

from __future__ import annotations

import os

from keras_attn.recipes.settings import DataSettings


def files(pattern: str) -> DataSettings:
    """The three splits as files under `$KERAS_ATTN_DATA/multi30k` (`data/multi30k` if that is not set).

    Args:
        pattern: a file's name, with {split} and {language}.
    """
    root = os.path.join(os.environ.get("KERAS_ATTN_DATA", "data"), "multi30k")

    def pair(split: str) -> tuple[str, str]:
        names = [pattern.format(split=split, language=language) for language in ("en", "de")]
        return os.path.join(root, names[0]), os.path.join(root, names[1])

    return DataSettings(train=pair("train"), valid=pair("val"), test=pair("test_2016_flickr"))
