"""`keras-attn export`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from keras_attn.errors import UserError


def export(
    run: Path,
    folder: Path,
    /,
    *,
    format: Literal["saved_model", "ctranslate2"] = "saved_model",
    quantization: Literal["int8", "int16", "float16", "float32"] | None = None,
    check: Path | None = None,
) -> None:
    """Write a trained run as a SavedModel with strings in and strings out, as TF Serving loads it, or for CTranslate2.

    Before it gets its name, the model is loaded (a SavedModel in a process of its own), and must say what the run says.

    keras-attn export runs/dates saved_models/dates/1
    keras-attn export runs/en-de saved_models/en-de/1 --check test.en
    keras-attn export runs/en-de en-de-int8 --format ctranslate2 --quantization int8

    Args:
        run: folder of a trained run.
        folder: folder of the new version; its name is the version's number.
        format: "saved_model", or "ctranslate2" for a Transformer (pip install 'keras_attn[ctranslate2]').
        quantization: how CTranslate2 stores the weights; as they are if none is given.
        check: sentences to check on, one a line; the run's validation sentences if none are given.
    """
    if quantization is not None and format != "ctranslate2":
        raise UserError("--quantization: expected none with --format saved_model, which keeps weights as they are")
    from keras_attn.data import read_pairs
    from keras_attn.opened_model import open_run

    lines = None if check is None else [sentence for _, sentence in read_pairs(check, check)]
    trained = open_run(run)
    if format == "saved_model":
        print(trained.export(folder, lines))
    else:
        from keras_attn.recipes.run_export import export_ctranslate2

        print(export_ctranslate2(trained, folder, lines, quantization))
