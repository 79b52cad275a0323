"""Where nothing may be seen: zero context, zero weights, no NaN in values or gradients, in every float type."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from catalogue import attending_layers, every_model, numpy, step
from keras import tree

policies = pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])


@pytest.fixture
def dtype_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    yield policy
    keras.config.set_dtype_policy(before)


def finite(nested):
    return all(np.isfinite(leaf).all() for leaf in tree.flatten(numpy(nested)))


def blind(arrays):
    """The same arguments, but the second example sees nothing."""
    arrays = tree.map_structure(np.copy, arrays)
    where = arrays.get("memory", arrays)
    name = next(name for name in ("mask", "value_mask", "attention_mask") if name in where)
    where[name][1] = False
    return arrays


@policies
@attending_layers
def test_a_layer_that_sees_nothing(row, dtype_policy):
    layer = row.layer()
    arrays = tree.map_structure(tf.convert_to_tensor, blind(row.arrays()))
    floats = [tensor for tensor in tree.flatten(arrays) if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        outputs = row.call(layer, arrays)
        total = tf.add_n([tf.reduce_sum(tf.cast(leaf, "float32") ** 2) for leaf in tree.flatten(outputs)])
    gradients = tape.gradient(total, [*floats, *(weight.value for weight in layer.weights)])
    assert finite(outputs)
    assert finite([gradient for gradient in gradients if gradient is not None])
    weights = numpy(row.weights(outputs))
    context = numpy(outputs[0]["context"] if isinstance(outputs[0], dict) else outputs[0])
    assert (weights[1] == 0).all()
    assert (context[1] == 0).all()
    assert (weights[0].sum(-1) > 0.9).any()


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@every_model
def test_a_model_over_an_empty_source(row, policy):
    views, inputs = row.views(policy), row.inputs()
    inputs["source"][1] = 0
    with tf.GradientTape() as tape:
        logits = views.training(inputs, training=True)
        total = tf.reduce_sum(tf.cast(logits, "float32") ** 2)
    gradients = tape.gradient(total, views.training.trainable_weights)
    assert finite(logits)
    assert finite([tf.convert_to_tensor(gradient) for gradient in gradients])
    out = step(views, inputs["target"], **views.encoder(inputs["source"]))
    for weights in numpy(out["weights"]).values():
        assert (weights[1] == 0).all()
        assert (weights[0].sum(-1) > 0.9).all()
