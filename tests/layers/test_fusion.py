"""What a decoder makes of a vector and a context, by formula."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import fill, numpy, same
from paper_decoder import sigmoid

from keras_attn.layers import AttentionalFusion, ConcatFusion, GatedFusion, LinearFusion, WeightedSumFusion

VECTOR, CONTEXT = 7, 11
TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]


def linear(layer, x, c):
    weight, bias = layer.combine.get_weights()
    return np.concatenate([x, c]) @ weight + bias


def attentional(layer, x, c):
    """Luong et al. 2015, eq. 5: tanh(W_c [c; h]), in this order."""
    (weight,) = layer.W_c.get_weights()
    return np.tanh(np.concatenate([c, x]) @ weight)


def gated(layer, x, c):
    weight, bias = layer.gate.get_weights()
    gate = sigmoid(np.concatenate([x, c]) @ weight + bias)
    return gate * x + (1 - gate) * (c @ layer.P.get_weights()[0])


def weighted_sum(layer, x, c):
    share = sigmoid(numpy(layer.w))
    return (1 - share) * x + share * (c @ layer.P.get_weights()[0])


FORMULAS = {
    ConcatFusion: lambda layer, x, c: np.concatenate([x, c]),
    LinearFusion: linear,
    AttentionalFusion: attentional,
    GatedFusion: gated,
    WeightedSumFusion: weighted_sum,
}
every_kind = pytest.mark.parametrize("kind", FORMULAS)


def made(kind, dtype="float64", *options):
    layer, random = kind(*options, dtype=dtype), np.random.default_rng(0)
    vector, context = (random.normal(size=(2, size)).astype(dtype) for size in (VECTOR, CONTEXT))
    layer(vector, context)
    fill(layer.weights)
    return layer, vector, context


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@every_kind
def test_a_fusion_is_its_formula(kind, dtype, tolerance):
    layer, vector, context = made(kind, dtype)
    found = numpy(layer(vector, context))
    assert found.shape == (2, layer.width(VECTOR, CONTEXT))
    for row in range(2):
        wanted = FORMULAS[kind](layer, vector[row].astype("float64"), context[row].astype("float64"))
        same(found[row].astype("float64"), wanted, tolerance)


def test_a_linear_fusion_may_end_in_a_relu_as_in_the_tutorial():
    layer, vector, context = made(LinearFusion, "float64", "relu")
    found = numpy(layer(vector, context))
    same(found[0], np.maximum(linear(layer, vector[0], context[0]), 0), 1e-12)
    assert (found == 0).any()
    again = LinearFusion.from_config(layer.get_config())
    assert again.activation is keras.activations.relu


def test_golden():
    """Weights 1, 2, 3 ... / 10 for x = 1 and c = 2."""
    x, c = np.array([[1.0]]), np.array([[2.0]])
    layers = [kind(dtype="float64") for kind in (LinearFusion, AttentionalFusion, GatedFusion, WeightedSumFusion)]
    for layer in layers:
        layer(x, c)
    layers[0].combine.set_weights([np.array([[0.1], [0.2]]), np.array([0.3])])
    layers[1].W_c.set_weights([np.array([[0.1], [0.2]])])
    layers[2].gate.set_weights([np.array([[0.1], [0.2]]), np.array([0.3])])
    layers[2].P.set_weights([np.array([[0.4]])])
    layers[3].P.set_weights([np.array([[0.1]])])
    gate = 1 / (1 + np.exp(-0.8))
    wanted = [0.8, np.tanh(0.1 * 2 + 0.2 * 1), gate + (1 - gate) * 0.8, 0.5 * 1 + 0.5 * 0.2]
    same([numpy(layer(x, c)).item() for layer in layers], wanted, 1e-14)


def test_a_weighted_sum_starts_even():
    layer = WeightedSumFusion()
    layer(np.zeros((1, 3)), np.zeros((1, 3)))
    assert numpy(layer.w) == 0


@every_kind
def test_a_dtype_policy_that_came_as_an_object_is_in_the_configuration(kind):
    layer = kind(dtype=keras.DTypePolicy("mixed_bfloat16"))
    again = kind.from_config(layer.get_config())
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert again.get_config() == layer.get_config()
