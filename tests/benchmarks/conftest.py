"""Scripts in `benchmarks/` import one another from their own folder."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import one of them by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module
