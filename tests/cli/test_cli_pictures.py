"""`keras-attn plot` and `keras-attn board`."""

from __future__ import annotations

import pytest

from keras_attn import cli


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("SVG", b"<?xml"), ("pdf", b"%PDF")])
def test_plot_writes_the_format_of_the_suffix(suffix, start, run, tmp_path, model, capsys):
    output = tmp_path / f"heatmap.{suffix}"
    assert cli.main(["plot", run, "a cat sat", "--output", str(output)]) == 0
    assert output.read_bytes().startswith(start)
    assert capsys.readouterr().out == f"{output}\n"


@pytest.mark.parametrize(
    ("sentence", "name", "named"),
    [("a cat", "heatmap.xyz", ".png"), ("a cat", "heatmap", ".png"), (" ", "heatmap.png", "sentence")],
)
def test_plot_refuses_what_it_cannot_draw(sentence, name, named, run, tmp_path, model, fails):
    assert named in fails("plot", run, sentence, "--output", str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_plot_says_that_the_folder_is_not_there(run, tmp_path, model, fails):
    message = fails("plot", run, "a cat", "--output", str(tmp_path / "absent" / "heatmap.png"))
    assert "absent" in message
    assert "No such file or directory" in message


def test_board_refuses_what_is_no_folder(tmp_path, fails):
    assert "absent" in fails("board", str(tmp_path / "absent"))
