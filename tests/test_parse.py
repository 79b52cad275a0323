"""Docstrings as help: what is text, what is an example."""

from __future__ import annotations

import dataclasses
import sys
import types

import pytest

from keras_attn.parse import documentation, parse


def recipe(docstring: str | None, module: str) -> type:
    """A dataclass as a recipe's file would define it."""
    home = sys.modules["a_recipe_for_this_test"] = types.ModuleType("a_recipe_for_this_test", module)
    return dataclasses.dataclass(
        type(
            "Toy",
            (),
            {"__doc__": docstring, "__module__": home.__name__, "__annotations__": {"units": "int"}},
        )
    )


@pytest.mark.parametrize("docstring", [None, "Shout.", "Shout.\n\nArgs:\n    units: how loud.\n"])
def test_a_recipe_is_documented_by_its_module_too(docstring):
    text, examples = documentation(
        recipe(docstring, "Learn.\n\n    keras-attn train toy\n\nTwo minutes on two cores.\n")
    )
    assert text.endswith("Two minutes on two cores.")
    assert text.startswith("Shout." if docstring else "Learn.")
    assert "how loud" not in text
    assert examples == ["keras-attn train toy"]


def test_examples_may_stand_in_code_marks():
    text, examples = documentation(recipe("Shout.\n\nRun `keras-attn`:\n\n`keras-attn train toy`\n", ""))
    assert text == "Shout.\n\nRun `keras-attn`:"
    assert examples == ["keras-attn train toy"]


@dataclasses.dataclass(frozen=True)
class Plain:
    """Shout."""

    units: int = 3


def test_help_without_an_example_shows_the_plain_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse(Plain, ["--help"], "keras-attn train toy")
    assert capsys.readouterr().out.endswith("examples:\n  keras-attn train toy\n")
