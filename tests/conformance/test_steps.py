"""Step by step gives what the whole target at once gives, and so does a prompt followed by steps."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import every_model, numpy, same, step, unrolled_layers

CLOSE = 5e-6

cuts = pytest.mark.parametrize("cuts", [(1, 1, 1), (2, 1), (1, 2)], ids=str)


@cuts
@unrolled_layers
def test_a_layer_in_pieces(row, cuts):
    layer, arrays = row.layer(), row.arrays()
    whole, last = numpy(row.call(layer, arrays))
    state, start, pieces = arrays["state"], 0, []
    for length in cuts:
        parts, state = row.call(
            layer, {**arrays, "inputs": arrays["inputs"][:, start : start + length], "state": state}
        )
        pieces.append(numpy(parts))
        start += length
    same({name: np.concatenate([piece[name] for piece in pieces], 1) for name in whole}, whole, CLOSE)
    same(numpy(state), last, CLOSE)


@cuts
@every_model
def test_a_model_in_pieces(row, cuts):
    views, target = row.views(), row.target()
    encoded = views.encoder(row.source())
    at_once = step(views, target, **encoded)
    state, position, logits, weights = encoded["state"], 0, [], []
    for length in cuts:
        out = step(views, target[:, position : position + length], encoded["memory"], state, position)
        state, position = out["state"], position + length
        logits.append(numpy(out["logits"]))
        weights.append(numpy(out["weights"]))
    same(np.concatenate(logits, 1), numpy(views.training(row.inputs())), CLOSE)
    same(numpy(state), numpy(at_once["state"]), CLOSE)
    for name, whole in numpy(at_once["weights"]).items():
        same(np.concatenate([piece[name] for piece in weights], 2), whole, CLOSE)
