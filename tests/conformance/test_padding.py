"""More padding changes nothing, nor does the company a sentence is in."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import KEY_LENGTHS, QUERY_LENGTHS, attending_layers, every_model, numpy, same

CLOSE = 2e-6


@attending_layers
def test_more_padded_keys_change_nothing(row):
    if "attention_mask" in row.arguments:
        pytest.skip("a mask over pairs has no padding")
    arrays, layer = row.arrays(), row.layer()
    where = arrays.get("memory", arrays)

    def longer(name):
        rows = where[name]
        more = np.zeros((2, 4), bool) if rows.dtype == bool else np.full((2, 4, rows.shape[-1]), 9.0, "float32")
        return np.concatenate([rows, more], 1)

    padded = {name: longer(name) for name in ("key", "value", "mask", "value_mask") if name in where}
    assert len(padded) == 3
    padded = {**arrays, "memory": padded} if "memory" in arrays else {**arrays, **padded}
    before, after = numpy(row.call(layer, arrays)), numpy(row.call(layer, padded))
    weights = row.weights(after)
    assert (weights[..., 5:] == 0).all()
    same(weights[..., :5], row.weights(before), CLOSE)
    parts = [outputs[0] for outputs in (before, after)]
    contexts = [part["context"] if isinstance(part, dict) else part for part in parts]
    same(*contexts, CLOSE)


@every_model
def test_a_longer_batch_changes_nothing(row):
    views = row.views()
    source = np.pad(row.source(), ((0, 0), (0, 4)))
    target = np.pad(row.target(), ((0, 0), (0, 2)))
    logits = numpy(views.training({"source": source, "target": target}))
    same(logits[:, :3], numpy(views.training(row.inputs())), CLOSE)
    memory, longer = (numpy(views.encoder(given))["memory"] for given in (row.source(), source))
    for name, leaf in memory.items():
        if name in ("mask", "vector"):
            same(longer[name][:, : leaf.shape[1]], leaf, CLOSE)


@every_model
def test_a_sentence_alone_gives_what_it_gives_in_a_batch(row):
    training, inputs = row.views().training, row.inputs()
    together = numpy(training(inputs))
    for index, (source_length, target_length) in enumerate(zip(KEY_LENGTHS, QUERY_LENGTHS, strict=True)):
        alone = training(
            {
                "source": inputs["source"][index : index + 1, :source_length],
                "target": inputs["target"][index : index + 1, :target_length],
            }
        )
        same(numpy(alone)[0], together[index, :target_length], CLOSE)
