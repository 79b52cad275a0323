"""Multi30k is fetched from its origin, checked, and kept only if it is the text expected."""

import gzip
import hashlib

import pytest

from keras_attn.data import multi30k
from keras_attn.errors import UserError

TEXT = b"A man.\nA dog.\n"


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """A small corpus at a file address, laid out as the real one."""
    root = tmp_path / "origin"
    (root / "raw").mkdir(parents=True)
    (root / "tok").mkdir()
    (root / "raw" / "val.en.gz").write_bytes(gzip.compress(TEXT))
    (root / "tok" / "val.lc.norm.tok.en").write_bytes(b" A man.\nA dog. \n")
    sums = dict.fromkeys(("val.en.gz", "tok/val.lc.norm.tok.en.gz"), hashlib.sha256(TEXT).hexdigest())
    monkeypatch.setattr(multi30k, "TEXTS", sums)
    return root.as_uri()


def test_packed_and_plain_files_arrive_as_the_same_text(tmp_path, origin):
    multi30k.fetch(tmp_path / "here", ["val.en.gz", "tok/val.lc.norm.tok.en.gz"], origin)
    for name in ("val.en.gz", "tok/val.lc.norm.tok.en.gz"):
        assert gzip.decompress((tmp_path / "here" / name).read_bytes()) == TEXT


def test_a_file_that_is_there_is_not_fetched_again(tmp_path):
    (tmp_path / "val.en.gz").write_bytes(b"mine")
    multi30k.fetch(tmp_path, ["val.en.gz"], origin="nowhere:")
    assert (tmp_path / "val.en.gz").read_bytes() == b"mine"


def test_another_text_is_refused_and_nothing_is_kept(tmp_path, origin, monkeypatch):
    monkeypatch.setitem(multi30k.TEXTS, "val.en.gz", "0" * 64)
    with pytest.raises(UserError, match="not the text expected"):
        multi30k.fetch(tmp_path / "here", ["val.en.gz"], origin)
    assert not list((tmp_path / "here").rglob("*.gz"))


def test_no_network_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="KERAS_ATTN_DATA"):
        multi30k.fetch(tmp_path / "here", ["val.en.gz"], origin=(tmp_path / "missing").as_uri())
