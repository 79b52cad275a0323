"""Which pairs a recipe reads from its files, and in which direction."""

from __future__ import annotations

import pytest

from keras_attn.errors import UserError
from keras_attn.recipes.settings import DataSettings


@pytest.fixture
def table(tmp_path):
    (tmp_path / "p.tsv").write_text("Go.\tGeh.\tCC-BY\nHi.\tHallo.\tCC-BY\n")
    return (str(tmp_path / "p.tsv"),)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "p.en").write_text("Go.\nHi.\n")
    (tmp_path / "p.de").write_text("Geh.\nHallo.\n")
    return (str(tmp_path / "p.en"), str(tmp_path / "p.de"))


PAIRS = [("Go.", "Geh."), ("Hi.", "Hallo.")]
BACK = [("Geh.", "Go."), ("Hallo.", "Hi.")]


def test_columns_of_a_table(table):
    assert list(DataSettings(train=table, columns=(0, 1)).pairs("train")) == PAIRS
    assert list(DataSettings(train=table, columns=(0, 1), reverse=True).pairs("train")) == BACK
    assert next(iter(DataSettings(valid=table, columns=(1, 2)).pairs("valid"))) == ("Geh.", "CC-BY")
    every = DataSettings(test=table).pairs("test")
    assert every.references()[1] == [["Geh.", "CC-BY"], ["Hallo.", "CC-BY"]]
    assert "with 2 further references" in str(every.report)


def test_both_directions(table, files):
    assert list(DataSettings(train=files).pairs("train")) == PAIRS
    for given in (table, files):
        assert list(DataSettings(train=given, reverse=True).pairs("train")) == BACK


def test_what_cannot_change_places(table):
    with pytest.raises(UserError, match="columns: expected the source's and one target's, as they change places"):
        DataSettings(train=table, columns=(0, 1, 2), reverse=True)
