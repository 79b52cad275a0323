"""`keras-attn export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from keras_attn.errors import UserError, expect


def export(
    run: Path,
    folder: Path,
    /,
    *,
    format: Literal["saved_model", "ctranslate2", "litert", "onnx"] = "saved_model",
    n_best: int | None = None,
    beam: int | None = None,
    length_penalty: float | None = None,
    shortlist: bool = False,
    quantization: Literal["int8", "int16", "float16", "float32"] | None = None,
    check: Path | None = None,
) -> None:
    """Write a trained run as a SavedModel, strings in and strings out, as TF Serving loads it, or for another engine.

    Before it gets its name, the model is loaded (a SavedModel in a process of its own, as Python and as a server load
    it), and must say what the run says.

    keras-attn export runs/dates saved_models/dates/1
    keras-attn export runs/en-de saved_models/en-de/1 --beam 5 --check test.en
    keras-attn export runs/en-de en-de-int8 --format ctranslate2 --quantization int8

    Args:
        run: folder of a trained run.
        folder: folder of the new version; its name is the version's number.
        format: "saved_model"; "ctranslate2" for a Transformer (pip install 'keras_attn[ctranslate2]'); "litert", the
            encoder and a step as a LiteRT model; "onnx" says why not.
        n_best: how many outputs the SavedModel's signature n_best gives, by a beam that is at least as wide; 5 if none
            is given.
        beam: width of the beam of the other signatures, 1 for greedy search; the run's own if none is given.
        length_penalty: of the beams: 0 compares sums of log p, larger favors longer outputs.
        shortlist: score only the words that a source calls for, as `keras-attn shortlist` has learned them.
        quantization: how CTranslate2, or LiteRT (int8, float16), stores the weights; as they are if none is given.
        check: sentences to check on, one a line; the run's validation sentences if none are given.
    """
    search = {"beam": beam, "length_penalty": length_penalty, "shortlist": shortlist or None}
    _check_options(format, quantization, {**search, "n_best": n_best})
    from keras_attn.data import read_pairs
    from keras_attn.opened_model import open_run

    lines = None
    if check is not None:
        pairs = read_pairs(check, check)
        lines = [sentence for _, sentence in pairs]
        if not lines:
            raise UserError(f"--check: expected sentences in {str(check)!r}, found none: {pairs.report}")
    trained = open_run(run, {name: value for name, value in search.items() if value is not None})
    if format == "saved_model":
        print(trained.export(folder, lines, 5 if n_best is None else n_best))
    elif format == "ctranslate2":
        from keras_attn.recipes.run_export import export_ctranslate2

        print(export_ctranslate2(trained, folder, lines, quantization))
    else:
        from keras_attn.recipes.run_export import export_litert

        print(export_litert(trained, folder, lines, quantization))


def _check_options(format: str, quantization: str | None, search: dict[str, Any]) -> None:
    if format == "onnx":
        raise UserError(
            "--format: onnx is not supported, because Keras converts TensorFlow's graphs by tf2onnx, whose release "
            "1.16.1 requires protobuf 3 where TensorFlow 2.21 requires 6.31 or newer; take litert, or ctranslate2"
        )
    if format == "saved_model":
        if quantization is not None:
            raise UserError("--quantization: expected none with --format saved_model, which keeps weights as they are")
        return
    for name, value in search.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{option}: expected none with --format {format}, whose user brings the search, got {value}"
            )
    fits = format != "litert" or quantization in (None, "int8", "float16")
    expect(fits, "--quantization", "int8 or float16 with --format litert", quantization)
