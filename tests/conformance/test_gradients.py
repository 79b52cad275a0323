"""Every weight receives a gradient, and nothing that is masked does."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from catalogue import attending_layers, attending_models, every_layer, every_model, numpy, step
from keras import tree


def probe(outputs):
    """A number in which every output counts, each with a weight of its own."""
    random = np.random.default_rng(4)
    return tf.add_n(
        [
            tf.reduce_sum(tf.cast(tensor, "float32") * random.normal(size=tensor.shape).astype("float32"))
            for tensor in tree.flatten(outputs)
        ]
    )


def moves(gradient):
    return gradient is not None and bool(np.abs(tf.convert_to_tensor(gradient)).max() > 0)


@every_layer
def test_every_weight_of_a_layer_learns(row):
    layer = row.layer()
    with tf.GradientTape() as tape:
        total = probe(
            row.call(layer, row.arrays(), training=True) if "unroll" in row.name else row.call(layer, row.arrays())
        )
    assert layer.trainable_weights
    gradients = tape.gradient(total, layer.trainable_weights)
    still = [
        weight.path for weight, gradient in zip(layer.trainable_weights, gradients, strict=True) if not moves(gradient)
    ]
    assert not still


@attending_layers
def test_no_gradient_reaches_what_a_layer_may_not_see(row):
    layer, arrays = row.layer(), row.arrays()
    visible = row.visible(arrays)
    where = arrays.get("memory", arrays)
    read = {name: tf.constant(where[name]) for name in ("key", "value") if name in where}
    with tf.GradientTape() as tape:
        tape.watch(read)
        given = {**arrays, "memory": {**where, **read}} if "memory" in arrays else {**arrays, **read}
        total = probe(row.call(layer, given))
    for gradient in tape.gradient(total, read).values():
        size = np.abs(gradient).max(-1)  # (batch, key_length)
        assert (size[~visible.any(1)] == 0).all()
        assert (size[visible.any(1)] > 0).all()
    assert not visible.any(1).all()


@every_model
def test_every_weight_of_a_model_learns(row):
    model = row.views().training
    with tf.GradientTape() as tape:
        total = probe(model(row.inputs(), training=True))
    gradients = dict(
        zip((w.path for w in model.trainable_weights), tape.gradient(total, model.trainable_weights), strict=True)
    )
    assert not [path for path, gradient in gradients.items() if not moves(gradient)]


@every_model
def test_only_the_words_of_the_source_learn_from_it(row):
    views = row.views()
    encoder = views.encoder
    (table,) = [weight for weight in encoder.weights if "embedding" in weight.path]
    with tf.GradientTape() as tape:
        encoded = encoder(row.source())
        out = step(views, row.target(), **encoded)
        total = probe(tree.flatten(encoded["state"]) + tree.flatten(out["weights"]))
    size = np.abs(tf.convert_to_tensor(tape.gradient(total, table))).max(-1)  # (vocabulary,)
    learned = set(np.flatnonzero(size))
    if row.share_embeddings:
        assert learned >= set(row.source().ravel()) - {0}
    else:
        assert learned == set(row.source().ravel()) - {0}


@attending_models
def test_no_gradient_reaches_padding_in_the_memory(row):
    views = row.views()
    encoded = tree.map_structure(tf.convert_to_tensor, numpy(views.encoder(row.source())))
    read = {name: encoded["memory"][name] for name in ("key", "value")}
    with tf.GradientTape() as tape:
        tape.watch(read)
        memory = {**encoded["memory"], **read}
        total = probe(step(views, row.target(), memory, encoded["state"])["logits"])
    for gradient in tape.gradient(total, read).values():
        assert ((np.abs(gradient).max(-1) > 0) == (row.source() != 0)).all()
