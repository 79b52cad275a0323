"""The batches that a recipe of Multi30k trains on, or such as have the same lengths, for benchmarks.

    python benchmarks/recipe_batches.py multi30k.npz --epochs 10

writes those of `transformer-tiny-tok` to a file for `gpu_training.py`, 3 MB an epoch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tyro

from keras_attn.data import EncodedPairs, Epochs, read_pairs, save_batches
from keras_attn.data.multi30k import TEXTS, fetch
from keras_attn.recipes.multi30k import folder
from keras_attn.recipes.transformer_tiny_tok import TransformerTinyTok
from keras_attn.text import Tokenizer

NAMES = ("vocabulary_size", "model", "normalization", "target_normalization", "byte_fallback", "shared")


def synthetic_pairs(vocabulary: int, pairs: int = 29_000) -> EncodedPairs:
    """Random ids; lengths as those of Multi30k in 10,000 pieces (log-normal, correlated; measured 2026-11-20)."""
    random = np.random.default_rng(0)
    both = random.multivariate_normal([2.58, 2.58], [[0.098, 0.0925], [0.0925, 0.119]], pairs)
    lengths = np.clip(np.exp(both).round().astype(int), 3, 50)
    sides = ([random.integers(4, vocabulary, length, "int32") for length in side] for side in lengths.T)
    return EncodedPairs.of_ids(*sides)


def recipe_epochs(recipe: Any, synthetic: bool, seed: int) -> tuple[Epochs, int, int]:
    """The epochs of a recipe, and the sizes of its two vocabularies.

    Args:
        recipe: such as `TransformerTinyTok()`.
        synthetic: random ids in the place of the corpus.
        seed: of the tokenizer and the order of the batches.
    """
    text, fit = recipe.text, recipe.training
    options: dict[str, Any] = {"tokens_per_batch": fit.tokens_per_batch, "shapes": fit.shapes, "seed": seed}
    if synthetic:
        size = text.vocabulary_size
        return Epochs(synthetic_pairs(size), **options), size, size
    fetch(folder(), [name for name in TEXTS if str(folder() / name) in recipe.data.train])
    pairs = read_pairs(*recipe.data.train, on_bad="skip")
    tokenizer = Tokenizer.train(pairs, **{name: getattr(text, name) for name in NAMES}, seed=seed)
    return Epochs(pairs, tokenizer, **options), tokenizer.source.size, tokenizer.target.size


def shape_of(batch: Any) -> tuple[int, int, int]:
    """(rows, source_length, target_length)."""
    return *batch[0]["source"].shape, batch[1].shape[1]


def main(path: tyro.conf.Positional[Path], epochs: int = 10, synthetic: bool = False, seed: int = 1) -> None:
    """Args: path: the file; epochs: how many; synthetic: random ids; seed: of tokenizer and order."""
    chosen, _, size = recipe_epochs(TransformerTinyTok(), synthetic, seed)
    save_batches(path, chosen, epochs)
    print(f"{chosen.plan}\n{size:,} ids; {epochs} epochs in {path}, {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
