"""In mixed precision the numbers stay finite, and near those of float32."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import every_layer, every_model, numpy, step
from keras import tree

policies = pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 0.02), ("mixed_bfloat16", 0.15)], ids=["float16", "bfloat16"]
)


def near(narrow, wide, tolerance):
    for one, other in zip(tree.flatten(numpy(narrow)), tree.flatten(numpy(wide)), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@policies
@every_layer
def test_a_layer_in_mixed_precision(row, policy, tolerance):
    wide = row.call(row.layer(), row.arrays())
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = row.layer()
    finally:
        keras.config.set_dtype_policy(before)
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in layer.weights} <= {"float32"}
    narrow = row.call(layer, row.arrays())
    kinds = {keras.backend.standardize_dtype(tensor.dtype) for tensor in tree.flatten(narrow)}
    assert kinds == {policy.removeprefix("mixed_")}
    near(narrow, wide, tolerance)


@policies
@every_model
def test_a_model_in_mixed_precision(row, policy, tolerance):
    views = row.views(policy)
    logits = views.training(row.inputs())
    assert keras.backend.standardize_dtype(logits.dtype) == policy.removeprefix("mixed_")
    near(logits, row.views().training(row.inputs()), tolerance)
    encoded = views.encoder(row.source())
    near(step(views, row.target(), **encoded)["logits"], logits, tolerance)
