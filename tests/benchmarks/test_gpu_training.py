"""`benchmarks/gpu_training.py`, small, on the CPU, in a process with JAX and without TensorFlow and SentencePiece."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_attn.data import EncodedPairs, Epochs, SavedBatches, save_batches
from keras_attn.recipes.transformer_tiny_tok import TransformerTinyTok

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

PROGRAM = """
import sys
for name in ("tensorflow", "tensorflow_text", "sentencepiece"):
    sys.modules[name] = None  # to import it is an error, as if it were not there
import json
import gpu_training as gpu
from keras_attn.models import TransformerDecoder, TransformerEncoder
gpu.have_torch = lambda: False
tiny = {"width": 16, "feed_forward": 32, "heads": 2, "norm": "post", "dropout": 0.0}
sizes = [kind(layers=2, **tiny) for kind in (TransformerEncoder, TransformerDecoder)]
settings = gpu.Settings(sys.argv[1], updates=100, vocabulary=13, rows=3, length=5, rounds=2, block=3, side=32)
losses = [values["loss"] for values in gpu.train(sizes, settings)]
sizes = [kind(layers=1, **tiny) for kind in (TransformerEncoder, TransformerDecoder)]
rows = list(gpu.compare("small", sizes, gpu.product_rate(32), settings))
print(json.dumps({"losses": losses, "rows": rows}))
"""


@pytest.fixture
def file(tmp_path):
    ids = [np.array([4 + n % 9, 4 + n % 7, 5], "int32") for n in range(40)]
    save_batches(tmp_path / "batches.npz", Epochs(EncodedPairs.of_ids(ids, ids), tokens_per_batch=16), count=2)
    return tmp_path / "batches.npz"


def test_batches_of_a_file_come_over_and_over_whatever_is_asked_before(script, file):
    saved = SavedBatches(file)
    chosen = script("gpu_blocks").Chosen(saved, 25)
    assert len(chosen) == 25
    assert saved.steps == 10
    asked = (3, 12, *range(25))
    found = [chosen[index] for index in asked]
    in_order = [*saved.epoch(0), *saved.epoch(1), *saved.epoch(0)]
    expected = [in_order[index] for index in asked]
    for (inputs, labels, weights), (same, *others) in zip(found, expected, strict=True):
        assert all((inputs[side] == same[side]).all() for side in ("source", "target"))
        assert (labels == others[0]).all()
        assert (weights == others[1]).all()


def test_it_trains_as_the_recipe_does(script):
    pytest.importorskip("jax", reason="the other backend")
    gpu, recipe = script("gpu_training"), TransformerTinyTok()
    assert gpu.sized("tiny", "pre") == (recipe.encoder, recipe.decoder)
    fields = {**gpu.RECIPE, "warmup": gpu.WARMUP, "smoothing": gpu.SMOOTHING}
    assert {name: getattr(recipe.training, name) for name in fields} == fields


def test_it_trains_from_a_file_and_times_without_tensorflow(file):
    pytest.importorskip("jax", reason="the other backend")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, file],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(BENCHMARKS)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert len(told["losses"]) == 20
    assert told["losses"][-1] < told["losses"][0] - 0.1
    ((name, side, *numbers),) = told["rows"]
    assert (name, side) == ("small", "ours, JAX")
    assert float(numbers[0].replace(",", "")) > 0
