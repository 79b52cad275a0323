"""A layer and a model come back from their configuration and from a `.keras` file as they were."""

from __future__ import annotations

import json

import keras
import pytest
from catalogue import MODELS, every_layer, every_model, numpy, over, same
from catalogue import step as ask
from keras import tree

from keras_attn.models import Views

keras_file = "it.keras"


def unbuilt(config):
    """A configuration without the shapes that sublayers were built with."""
    if isinstance(config, list | tuple):
        return [unbuilt(part) for part in config]
    if isinstance(config, dict):
        return {name: unbuilt(part) for name, part in config.items() if name != "build_config"}
    return config


@every_layer
def test_a_layer_is_rebuilt_from_its_configuration(row):
    layer = row.layer()
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert unbuilt(again.get_config()) == unbuilt(layer.get_config())
    row.call(again, row.arrays())
    again.set_weights(layer.get_weights())
    same(numpy(row.call(again, row.arrays())), numpy(row.call(layer, row.arrays())))


@every_layer
def test_a_layer_comes_back_from_a_file(row, tmp_path):
    model = row.model(row.layer())
    model.save(tmp_path / keras_file)
    again = keras.models.load_model(tmp_path / keras_file)
    # A file does not know tuples from lists.
    same(tree.flatten(numpy(again(row.arrays()))), tree.flatten(numpy(model(row.arrays()))))


@every_model
def test_the_training_view_comes_back_from_a_file(row, tmp_path):
    model = row.views().training
    model.save(tmp_path / keras_file)
    again = keras.models.load_model(tmp_path / keras_file)
    same(numpy(again(row.inputs())), numpy(model(row.inputs())))
    # What is shared is still one, and every weight still learns.
    assert [weight.shape for weight in again.trainable_weights] == [weight.shape for weight in model.trainable_weights]


@over([row for row in MODELS if row.name in ("gru-additive", "lstm-every-step", "rnn-initial")])
def test_the_other_views_come_back_from_a_file(row, tmp_path):
    views = row.views()
    for name in ("encoder", "step"):
        getattr(views, name).save(tmp_path / f"{name}.keras")
    encoder, step = (keras.models.load_model(tmp_path / f"{name}.keras") for name in ("encoder", "step"))
    encoded = views.encoder(row.source())
    same(numpy(encoder(row.source())), numpy(encoded))
    again = Views(views.training, encoder, step)
    same(numpy(ask(again, row.target(), **encoded)), numpy(ask(views, row.target(), **encoded)))


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float64"])
@every_layer
def test_a_configuration_keeps_what_was_not_the_default(row, dtype):
    plain = row.make()
    layer = type(plain).from_config({**plain.get_config(), "name": "mine", "dtype": dtype, "trainable": False})
    again = type(plain).from_config(layer.get_config())
    assert (again.name, again.dtype_policy.name, again.trainable) == ("mine", dtype, False)
