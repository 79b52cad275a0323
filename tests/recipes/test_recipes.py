"""Every recipe can be had by its name, says its command, and can be kept in a run's configuration."""

from __future__ import annotations

import dataclasses
import importlib
import json

import pytest

from keras_attn.errors import UserError
from keras_attn.recipes import NAMES, load
from keras_attn.recipes.run_config import ModelConfig, RunConfig, plain, versions

every_name = pytest.mark.parametrize("name", NAMES)


@every_name
def test_a_recipe_has_its_name_its_command_and_a_folder_of_its_own(name):
    recipe = load(name)()
    assert recipe.name == name
    assert str(recipe.output) == f"runs/{name}"
    module = importlib.import_module(type(recipe).__module__)
    assert f"keras-attn train {name} " in module.__doc__
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.seed = 2


@every_name
def test_a_recipe_comes_back_from_the_configuration_of_a_run(name):
    recipe = load(name)()
    model = ModelConfig(encoder=recipe.encoder, decoder=recipe.decoder, share_embeddings=recipe.text.shared)
    config = RunConfig(recipe=name, fields=plain(recipe), model=model, tokenizer="0" * 64, versions=versions())
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert (again.model.encoder, again.model.decoder) == (recipe.encoder, recipe.decoder)
    assert set(json.loads(config.model_dump_json())["fields"]) == {field.name for field in dataclasses.fields(recipe)}


def test_an_unknown_recipe_names_the_near_ones():
    with pytest.raises(UserError, match="recipe: no 'multi30k-gru'; did you mean multi30k-gru-"):
        load("multi30k-gru")
    with pytest.raises(UserError, match="recipe: no 'xyz'; there are dates, text-to-text"):
        load("xyz")
