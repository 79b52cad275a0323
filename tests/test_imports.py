"""Who may import whom: read from the source, every import of every file, the ones inside functions too.

An arrow `ops <- layers` in CONTRIBUTING.md means that layers imports ops; what ops imports, layers may too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keras_attn

PACKAGE = Path(keras_attn.__file__).parent

# Below each unit: what it may import of the package. Its own files always, and what everybody may.
BELOW: dict[str, set[str]] = {
    "shapes": set(),
    "ops": {"shapes"},
    "layers": {"ops"},
    "models": {"layers"},
    "text": {"shapes"},
    "data": {"text"},
    "alignment": set(),
    "calibration": set(),
    "decoding": {"ops"},
    "training": {"ops"},
    "plots": set(),
    "serving": set(),
    "testing": {"layers", "models"},
    "export": {"text", "decoding"},
    "lines": {"data"},
    "bulk": {"lines"},
}
EVERYBODY_MAY = {"errors", "whole_file", "budget"}
EVERYTHING = {"recipes", "bench", "cli", "commands", "opened_model"}  # may import any unit
ALONE = {"errors", "whole_file", "budget", "exit_status", "parse", "quiet"}  # import no unit

# Everything else runs on every Keras backend.
MAY_IMPORT_TENSORFLOW = {
    *("text", "export", "serving", "recipes", "bench", "data/batching.py", "testing/backend.py"),
    *("training/callbacks", "training/replicas", "training/twice.py"),
    "quiet.py",  # imports it on the command line's behalf
}
TENSORFLOW = {"tensorflow", "tensorflow_text", "tf_keras"}


def files(pattern: str = "*") -> list[Path]:
    """The Python files and stubs of everything in the package that matches."""
    found = [path for match in PACKAGE.glob(pattern) for path in ([match] if match.is_file() else match.rglob("*"))]
    return sorted(path for path in found if path.suffix in (".py", ".pyi"))  # a stub lists what is loaded lazily


def imports(tree: ast.AST, module: str, *, is_package: bool) -> set[str]:
    """Every module, as a dotted path, that an import statement in `tree` may load."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                base = ".".join([*parents, base] if base else parents)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def imports_of(path: Path) -> set[str]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    return imports(ast.parse(path.read_text("utf-8")), module, is_package=is_package)


def unit_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def units(modules: set[str]) -> set[str]:
    """The units of the package among imported modules; "" is the package itself."""
    parts = [name.split(".") for name in modules]
    return {part[1] if len(part) > 1 else "" for part in parts if part[0] == "keras_attn"}


def allowed(unit: str) -> set[str]:
    below = set(BELOW[unit])
    for name in BELOW[unit]:
        below |= allowed(name)
    return below


def test_every_unit_has_its_place():
    known = {*BELOW, *EVERYTHING, *ALONE, "__init__", "__main__"}
    assert {unit_of(path) for path in files()} <= known
    assert len(files()) > 30


@pytest.mark.parametrize("unit", sorted(BELOW))
def test_imports_follow_the_arrows(unit):
    wrong = {
        str(path.relative_to(PACKAGE)): beyond
        for path in files(f"{unit}*")
        if unit_of(path) == unit and (beyond := units(imports_of(path)) - allowed(unit) - EVERYBODY_MAY - {unit})
    }
    assert not wrong, f"{unit} may import {sorted(allowed(unit))} only"


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_stands_alone_imports_no_unit(name):
    assert units(imports_of(PACKAGE / f"{name}.py")) <= ALONE


def test_the_package_itself_imports_lazily():
    assert units(imports_of(PACKAGE / "__init__.py")) == set()


def test_tensorflow_stays_where_its_tools_are_needed():
    found = {path for path in files() if {name.split(".")[0] for name in imports_of(path)} & TENSORFLOW}
    assert found
    assert not found - {path for pattern in MAY_IMPORT_TENSORFLOW for path in files(pattern)}


def test_plots_need_numpy_and_matplotlib_only():
    for path in files("plots"):
        outside = {name.split(".")[0] for name in imports_of(path)} - sys.stdlib_module_names
        assert outside <= {"numpy", "matplotlib", "keras_attn", "lazy_loader"}, path


def test_serving_needs_nothing_of_the_package():
    for path in files("serving"):
        assert units(imports_of(path)) <= {"serving", "errors"}, path


@pytest.mark.parametrize(
    ("line", "loads"),
    [
        ("import keras_attn.text.vocabulary", {"text"}),
        ("from keras_attn import text, ops", {"text", "ops"}),
        ("from keras_attn.text import Tokenizer", {"text"}),
        ("from . import masks", {"ops"}),
        ("from .. import text", {"text"}),
        ("from ..text.vocabulary import Vocabulary", {"text"}),
        ("import keras_attn as ka", {""}),
        ("def f():\n    import keras_attn.text", {"text"}),
        ("import keras, numpy as np", set()),
    ],
)
def test_every_way_to_import_is_seen(line, loads):
    assert units(imports(ast.parse(line), "keras_attn.ops.scores", is_package=False)) == loads


def test_relative_imports_of_a_package_are_its_own():
    assert units(imports(ast.parse("from .masks import both"), "keras_attn.ops", is_package=True)) == {"ops"}
    assert units(imports(ast.parse("from ..text import x"), "keras_attn.ops", is_package=True)) == {"text"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in result.stdout.split()}


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_by("import keras_attn")
    assert "keras_attn" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib", "numpy", "sentencepiece", "sacrebleu", "rich"}


def test_listing_the_public_names_loads_nothing_heavy():
    code = "import keras_attn\nassert 'layers' in dir(keras_attn)\nimport keras_attn.data, keras_attn.plots"
    assert not loaded_by(code) & {"tensorflow", "keras", "matplotlib"}
