"""`keras-attn export`: where a model goes, and what it is checked on."""

from __future__ import annotations

from keras_attn import cli


def test_export_prints_where(run, tmp_path, model, capsys):
    folder = tmp_path / "models" / "1"
    assert cli.main(["export", run, str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "checked.txt").read_text() == "None"


def test_export_checks_on_the_sentences_of_a_file(run, tmp_path, model):
    (tmp_path / "lines").write_text("a\n\nb c\n")
    assert cli.main(["export", run, str(tmp_path / "1"), "--check", str(tmp_path / "lines")]) == 0
    assert (tmp_path / "1" / "checked.txt").read_text() == "['a', 'b c']"


def test_export_converts_for_another_engine(run, tmp_path, model, capsys):
    folder = tmp_path / "model"
    assert cli.main(["export", run, str(folder), "--format", "ctranslate2", "--quantization", "int8"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "checked.txt").read_text() == "['int8']"


def test_a_saved_model_is_not_quantized(run, tmp_path, model, fails):
    assert "--quantization: expected none" in fails("export", run, str(tmp_path / "1"), "--quantization", "int8")
    assert not (tmp_path / "1").exists()


def test_an_exported_model_is_no_run(tmp_path, model, fails):
    (tmp_path / "saved_model.pb").touch()
    assert "is an exported model; give the folder of the run" in fails("export", str(tmp_path), str(tmp_path / "1"))
