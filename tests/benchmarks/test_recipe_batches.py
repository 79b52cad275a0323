"""`benchmarks/recipe_batches.py`: a corpus that is as long as Multi30k, and a file of its batches."""

from __future__ import annotations

import numpy as np

from keras_attn.data import SavedBatches


def test_random_ids_are_as_long_as_multi30k(script):
    pairs = script("recipe_batches").synthetic_pairs(500, pairs=20_000)
    lengths = pairs.source_lengths, pairs.target_lengths
    # Measured of the corpus: 13.9 +- 4.6 and 14.1 +- 5.1, logarithms correlated by 0.856.
    for found, mean, deviation in zip(lengths, (13.9, 14.1), (4.6, 5.1), strict=True):
        assert abs(found.mean() - mean) < 0.3
        assert abs(found.std() - deviation) < 0.3
    assert abs(np.corrcoef(*np.log(lengths))[0, 1] - 0.856) < 0.02
    ids = np.concatenate([pairs.source(index) for index in range(1000)])
    assert ids.min() == 4  # 0 to 3 have meanings of their own
    assert ids.max() == 499


def test_the_file_holds_the_recipe_s_batches(script, tmp_path):
    script("recipe_batches").main(tmp_path / "batches.npz", epochs=1, synthetic=True)
    saved = SavedBatches(tmp_path / "batches.npz")
    assert len(saved.shapes) == 8
    assert all(rows * max(source, target) <= 4096 for rows, source, target in saved.shapes)
    assert sum(int(weights.sum()) for _, _, weights in saved.epoch(0)) > 29_000 * 14
