"""The same numbers inside `tf.function`, with unknown shapes and compiled by XLA, and from a SavedModel."""

from __future__ import annotations

import functools

import keras
import pytest
import tensorflow as tf
from catalogue import LAYERS, MODELS, every_layer, every_model, ids, numpy, same
from keras import tree

CLOSE = 2e-6  # XLA and graphs fuse differently


def loose(tensor):
    """The signature of a tensor of unknown batch and lengths: the last dimension of floats stays."""
    tensor = tf.convert_to_tensor(tensor)
    floats = tensor.dtype.is_floating and tensor.shape.rank
    shape = [*[None] * (tensor.shape.rank - 1), tensor.shape[-1]] if floats else [None] * tensor.shape.rank
    return tf.TensorSpec(shape, tensor.dtype)


def graph(call, inputs):
    """A `tf.function` of one nested argument with unknown shapes."""
    return tf.function(call, input_signature=[tree.map_structure(loose, inputs)])


def constant(arrays):
    return tree.map_structure(tf.convert_to_tensor, arrays)


@every_layer
def test_a_layer_in_a_graph_of_unknown_shapes(row):
    layer, arrays = row.layer(), constant(row.arrays())
    function = graph(lambda arguments: row.call(layer, arguments), arrays)
    same(numpy(function(arrays)), numpy(row.call(layer, arrays)), CLOSE)
    one = tree.map_structure(lambda tensor: tensor[:1], arrays)
    same(numpy(function(one)), numpy(row.call(layer, one)), CLOSE)


@every_layer
def test_a_layer_compiled(row):
    layer, arrays = row.layer(), constant(row.arrays())
    function = tf.function(lambda arguments: row.call(layer, arguments), jit_compile=True)
    same(numpy(function(arrays)), numpy(row.call(layer, arrays)), CLOSE)


@every_model
def test_a_model_compiled(row):
    model, inputs = row.views().training, constant(row.inputs())
    function = tf.function(lambda arguments: model(arguments), jit_compile=True)
    same(numpy(function(inputs)), numpy(model(inputs)), CLOSE)


class Everything(tf.Module):
    """All layers, and of all models what a server needs, as functions of one module."""

    def __init__(self):
        self.owned, self.layers, self.encoder, self.step = [], {}, {}, {}
        for row in LAYERS:
            layer = row.layer()
            self.owned.append(layer)
            self.layers[row.name] = graph(functools.partial(_call, row, layer), row.arrays())
        for row in MODELS:
            views = row.views()
            self.owned += [views.encoder, views.step]
            step = {"tokens": row.target(), "position": tf.constant(0), **views.encoder(row.source())}
            self.encoder[row.name] = graph(functools.partial(_ask, views.encoder), row.source())
            self.step[row.name] = graph(functools.partial(_ask, views.step), step)


def _call(row, layer, given):
    return row.call(layer, given)


def _ask(view, given):
    return view(given)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Everything, saved and loaded again."""
    folder = str(tmp_path_factory.mktemp("saved") / "all")
    tf.saved_model.save(Everything(), folder, options=tf.saved_model.SaveOptions(save_debug_info=False))
    return tf.saved_model.load(folder)


@every_layer
def test_a_layer_from_a_saved_model(row, saved):
    arrays = constant(row.arrays())
    same(numpy(saved.layers[row.name](arrays)), numpy(row.call(row.layer(), arrays)), CLOSE)


@every_model
def test_a_model_from_a_saved_model_and_of_other_lengths(row, saved):
    source, target = ids(5, row.vocabularies[0], (7, 2, 4)), ids(6, row.vocabularies[1], (1, 6, 2))
    views, inputs = row.views(), constant({"source": source, "target": target})
    encoded = saved.encoder[row.name](inputs["source"])
    same(numpy(encoded), numpy(views.encoder(inputs["source"])), CLOSE)
    step = {"tokens": inputs["target"], "position": tf.constant(0), **encoded}
    found = saved.step[row.name](step)
    same(numpy(found), numpy(views.step(step)), CLOSE)
    same(numpy(found["logits"]), numpy(views.training(inputs)), CLOSE)


def test_these_tests_run_on_tensorflow():
    assert keras.backend.backend() == "tensorflow"
