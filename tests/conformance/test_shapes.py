"""What is promised before numbers flow is what comes: shape and dtype of every output."""

from __future__ import annotations

import keras
import pytest
from catalogue import every_layer, every_model, step
from keras import tree

policies = pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
knowledge = pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])


@pytest.fixture
def dtype_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    yield policy
    keras.config.set_dtype_policy(before)


def dtype(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


@policies
@knowledge
@every_layer
def test_a_layer_says_what_comes_out(row, unknown, dtype_policy):
    symbolic = row.call(row.make(), row.symbols(unknown))
    eager = row.call(row.layer(), row.arrays())
    tree.assert_same_structure(symbolic, row.outputs)
    tree.assert_same_structure(eager, row.outputs)
    for spec, symbol, tensor in zip(*map(tree.flatten, (row.outputs, symbolic, eager)), strict=True):
        assert tuple(tensor.shape) == spec.shape
        assert tuple(symbol.shape) == (spec.open_shape if unknown else spec.shape)
        assert symbol.dtype == dtype(tensor) == keras.config.dtype_policy().compute_dtype


def shown(row, views, unknown):
    """The outputs of the three views over symbols: dicts by name."""
    batch, source_length, target_length = (None, None, None) if unknown else (2, 5, 3)
    source = keras.KerasTensor((batch, source_length), "int32")
    target = keras.KerasTensor((batch, target_length), "int32")
    encoded = views.encoder(source)
    position = keras.KerasTensor((), "int32")
    return {
        "training": views.training({"source": source, "target": target}),
        "encoder": encoded,
        "step": views.step({"tokens": target, "position": position, **encoded}),
    }


def came(row, views):
    encoded = views.encoder(row.source())
    return {
        "training": views.training(row.inputs()),
        "encoder": encoded,
        "step": step(views, row.target(), **encoded),
    }


@policies
@knowledge
@every_model
def test_a_model_says_what_comes_out(row, unknown, policy):
    views = row.views(policy)
    symbolic, eager = shown(row, views, unknown), came(row, views)
    tree.assert_same_structure(symbolic, eager)
    for symbol, tensor in zip(tree.flatten(symbolic), tree.flatten(eager), strict=True):
        assert symbol.dtype == dtype(tensor)
        agree = [size in (None, real) for size, real in zip(symbol.shape, tensor.shape, strict=True)]
        assert all(agree), (symbol.shape, tensor.shape)
        assert unknown or None not in symbol.shape


@every_model
def test_a_model_has_the_outputs_of_the_table(row):
    outputs = came(row, row.views())
    logits = (2, 3, row.vocabularies[1])
    assert tuple(outputs["training"].shape) == tuple(outputs["step"]["logits"].shape) == logits
    weights = {name: tuple(tensor.shape) for name, tensor in outputs["step"]["weights"].items()}
    assert weights == ({"decoder": (2, 1, 3, 5)} if row.attends else {})  # (batch, heads, n, source_length)
    state = outputs["encoder"]["state"]
    tree.assert_same_structure(outputs["step"]["state"], state)
    assert {tensor.shape[0] for tensor in tree.flatten([state, outputs["encoder"]["memory"]])} == {2}
