"""A mechanism is found by the listing of `layers/`: one public class to a file, which is named for it and short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import keras_attn

LAYERS = Path(keras_attn.__file__).parent / "layers"
FILES = sorted(path for path in LAYERS.rglob("*.py") if path.name != "__init__.py")
# What a folder says need not be said again by the file in it: scoring/dot.py holds DotScoring.
SAID = {"scoring", "weighing", "fusion", "window", "pooling", "positions", "attention", "multi", "non", "local"}


def public_classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def words(name: str) -> set[str]:
    """The words of a name, however it is written."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LAYERS)))
def test_a_file_holds_one_class_and_is_named_for_it(path):
    (name,) = public_classes(path)
    squeezed = path.stem.replace("_", "")
    assert squeezed in name.lower() or words(path.stem) <= words(name) | SAID, (path.name, name)


def test_no_file_of_layers_is_long():
    long = {path.name: lines for path in FILES if (lines := len(path.read_text("utf-8").splitlines())) > 250}
    assert not long


def test_every_class_is_public_and_exported():
    exported = set(keras_attn.layers.__all__)
    assert {name for path in FILES for name in public_classes(path)} - exported <= {"HeadAttention"}  # a base
    assert len(FILES) > 50
