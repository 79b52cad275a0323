"""Recipes: each composes the whole package into one run, and says its command, its minutes and its score."""

from __future__ import annotations

import difflib
import importlib

import lazy_loader

from keras_attn.errors import UserError

NAMES: dict[str, str] = {
    "dates": "dates as people write them in 92 locales -> ISO 8601 (nothing to download)",
    "text-to-text": "your own pairs: one TSV or two parallel files",
    "multi30k-gru-raw": "Multi30k English -> German, cased raw text (research use only)",
    "multi30k-gru-tok": "Multi30k English -> German, tokenized lower-case text (research use only)",
    "text-to-text-transformer": "your own pairs, with a small Transformer",
    "transformer-tiny-raw": "Multi30k English -> German, cased raw text, Transformer (research use only)",
    "transformer-tiny-tok": "the same, tokenized lower-case text",
    "transformer-tiny-fast": "transformer-tiny-raw in 2,500 updates",
}

_CLASSES = {
    "dates": ("dates", "DatesRecipe"),
    "text-to-text": ("text_to_text", "TextToTextRecipe"),
    "multi30k-gru-raw": ("multi30k_gru_raw", "Multi30kGruRaw"),
    "multi30k-gru-tok": ("multi30k_gru_tok", "Multi30kGruTok"),
    "text-to-text-transformer": ("transformer", "TransformerRecipe"),
    "transformer-tiny-raw": ("transformer_tiny_raw", "TransformerTinyRaw"),
    "transformer-tiny-tok": ("transformer_tiny_tok", "TransformerTinyTok"),
    "transformer-tiny-fast": ("transformer_tiny_fast", "TransformerTinyFast"),
}


def load(name: str) -> type:
    """The class of a recipe: a frozen dataclass of its fields, with `train()`.

    Raises:
        UserError: there is no recipe of that name.

    >>> load("date")
    Traceback (most recent call last):
    ...
    keras_attn.errors.UserError: recipe: no 'date'; did you mean dates?
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.4)
        raise UserError(
            f"recipe: no {name!r}; "
            + (f"did you mean {' or '.join(near)}?" if near else "there are " + ", ".join(NAMES))
        )
    module, cls = _CLASSES[name]
    return getattr(importlib.import_module(f"keras_attn.recipes.{module}"), cls)


__getattr__, __dir__, _lazy_names = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["NAMES", "Run", "load"]
