"""A future token changes nothing earlier, and something later."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import LAYERS, every_model, numpy, over, same, unrolled_layers


@pytest.mark.parametrize("time", [1, 2])
@unrolled_layers
def test_a_future_input_of_a_layer(row, time):
    layer, arrays = row.layer(), row.arrays()
    other = {**arrays, "inputs": arrays["inputs"].copy()}
    other["inputs"][:, time] += 1
    before, after = (numpy(row.call(layer, given))[0]["output"] for given in (arrays, other))
    same(after[:, :time], before[:, :time])
    assert (abs(after[:, time:] - before[:, time:]).max(-1) > 1e-3).all()


@over([row for row in LAYERS if row.options.get("use_causal_mask")])
def test_a_future_value_under_a_causal_mask(row):
    layer, arrays = row.layer(), row.arrays()
    other = {**arrays, "value": arrays["value"].copy()}
    other["value"][:, 2] += 1
    before, after = (numpy(row.call(layer, given))[0] for given in (arrays, other))
    same(after[:, :2], before[:, :2])
    assert (abs(after[:, 2] - before[:, 2]).max(-1) > 1e-3).all()


@pytest.mark.parametrize("time", [1, 2])
@every_model
def test_a_future_token_of_a_model(row, time):
    training, inputs = row.views().training, row.inputs()
    other = {**inputs, "target": inputs["target"].copy()}
    other["target"][:, time] = np.where(other["target"][:, time] == 7, 8, 7)
    before, after = numpy(training(inputs)), numpy(training(other))
    same(after[:, :time], before[:, :time])
    assert (abs(after[:, time:] - before[:, time:]).max(-1) > 1e-3).all()
