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


def test_export_bakes_the_search_in(run, tmp_path, model):
    assert cli.main(["export", run, str(tmp_path / "1")]) == 0
    assert (tmp_path / "1" / "n_best.txt").read_text() == "5"
    options = ["--n-best", "3", "--beam", "4", "--length-penalty", "0.5", "--shortlist"]
    assert cli.main(["export", run, str(tmp_path / "2"), *options]) == 0
    assert (tmp_path / "2" / "n_best.txt").read_text() == "3"
    assert model.asked == {"beam": 4, "length_penalty": 0.5, "shortlist": True}


def test_export_writes_a_model_for_a_telephone(run, tmp_path, model):
    assert cli.main(["export", run, str(tmp_path / "1"), "--format", "litert"]) == 0
    assert (tmp_path / "1" / "checked.txt").read_text() == "['litert', None]"


def test_what_cannot_be_written_says_why(run, tmp_path, model, fails):
    said = fails("export", run, str(tmp_path / "1"), "--format", "onnx")
    assert "--format: onnx is not supported, because" in said
    assert "litert" in said
    for option in (["--n-best", "2"], ["--beam", "2"], ["--length-penalty", "1"]):
        said = fails("export", run, str(tmp_path / "1"), "--format", "litert", *option)
        assert f"{option[0]}: expected none with --format litert, whose user brings the search" in said
    said = fails("export", run, str(tmp_path / "1"), "--format", "litert", "--quantization", "int16")
    assert "--quantization: expected int8 or float16 with --format litert, got 'int16'" in said
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_a_saved_model_is_not_quantized(run, tmp_path, model, fails):
    assert "--quantization: expected none" in fails("export", run, str(tmp_path / "1"), "--quantization", "int8")
    assert not (tmp_path / "1").exists()


def test_a_check_of_no_sentences_is_refused(run, tmp_path, model, fails):
    (tmp_path / "lines").write_bytes(b"\n\xff\n")
    said = fails("export", run, str(tmp_path / "1"), "--check", str(tmp_path / "lines"))
    assert f"--check: expected sentences in '{tmp_path}/lines', found none: " in said
    assert not (tmp_path / "1").exists()


def test_an_exported_model_is_no_run(tmp_path, model, fails):
    (tmp_path / "saved_model.pb").touch()
    assert "is an exported model; give the folder of the run" in fails("export", str(tmp_path), str(tmp_path / "1"))
