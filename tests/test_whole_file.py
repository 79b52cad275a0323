"""A file appears whole or not at all."""

from __future__ import annotations

import os

import pytest

from keras_attn.whole_file import whole_file


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")

    def write_half():
        with whole_file(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_not_there_before_it_is_whole(tmp_path):
    path = tmp_path / "scores.json"
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_the_old_file_is_not_disturbed(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with path.open() as reader:
        with whole_file(path) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    path = tmp_path / "absent" / "scores.json"
    with pytest.raises(FileNotFoundError) as caught, whole_file(path):
        pass
    assert caught.value.filename == str(path)


def test_the_file_has_the_rights_of_any_other(tmp_path):
    (tmp_path / "any").touch()
    with whole_file(tmp_path / "ours") as temporary:
        temporary.touch()
    assert os.stat(tmp_path / "ours").st_mode == os.stat(tmp_path / "any").st_mode
