"""Attention weights sum to one over the keys that may be seen, and are zero elsewhere."""

from __future__ import annotations

import numpy as np
from catalogue import attending_layers, attending_models, numpy, step


def check(weights, visible):
    assert weights.shape == visible.shape
    assert (weights[visible] > 0).all()
    assert (weights[~visible] == 0).all()
    np.testing.assert_allclose(weights.sum(-1), visible.any(-1), atol=1e-6)


@attending_layers
def test_weights_of_a_layer(row):
    arrays = row.arrays()
    check(row.weights(numpy(row.call(row.layer(), arrays))), row.visible(arrays))


@attending_models
def test_weights_of_a_model(row):
    views = row.views()
    out = step(views, row.target(), **views.encoder(row.source()))
    assert list(out["weights"]) == ["decoder"]
    visible = (row.source() != 0)[:, None, None, :]
    assert not visible.all()
    weights = numpy(out["weights"]["decoder"])
    check(weights, np.broadcast_to(visible, weights.shape))
    # Not uniform, or a constant would pass.
    assert weights[0, 0, 0].max() > 1.05 * weights[0, 0, 0].min()
