"""A TextToText on disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops a saved tokenizer needs

from keras_attn.errors import UserError
from keras_attn.export.outputs import (
    Alignment,
    Hypothesis,
    Output,
    align_strings,
    characters,
    decode_strings,
    hypotheses_of_strings,
)
from keras_attn.export.signatures import functions
from keras_attn.text.cleaning import clean
from keras_attn.whole_file import whole_folder

# What a server reads with `--enable_per_model_batching_parameters`: single sentences that come within 2 milliseconds of
# each other are decoded together, which is where most of the throughput is.
BATCHING = "max_batch_size { value: 64 }\nbatch_timeout_micros { value: 2000 }\nmax_enqueued_batches { value: 1000 }\n"
FEW, LONG = 256, 2000  # strings tokenized at once, padded to the longest; and characters of that


class SavedTextToText:
    """A reloaded SavedModel with the interface of `TextToText`."""

    def __init__(self, module: Any):
        self._module = module  # keeps the variables alive
        self._serve = module.signatures["serving_default"]
        self._align = module.signatures["align"]
        self._several = module.signatures.get("n_best")  # which exports had none before 2026-11-20
        self._tokenize = module.signatures.get("tokenize")  # nor this

    def __call__(self, lines: Sequence[str], batch_size: int = 64) -> Output:
        return decode_strings(lambda batch: self._serve(text=batch), lines, batch_size)

    @property
    def n_best(self) -> int:
        """How many outputs `hypotheses` gives at most."""
        return int(self._several.structured_outputs["text"].shape[1]) if self._several else 1

    def hypotheses(self, lines: Sequence[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        """See `TextToText.hypotheses`."""
        if self._several is None:
            raise UserError("hypotheses: this SavedModel has no signature n_best; export it again")
        return hypotheses_of_strings(lambda batch: self._several(text=batch), lines, batch_size)

    def lengths(self, lines: Sequence[str]) -> list[int]:
        """How many tokens each string has, more than the model reads too; of endless ones, how many characters."""
        found = characters(lines)
        short = [index for index, length in enumerate(found) if length <= LONG] if self._tokenize else []
        for start in range(0, len(short), FEW):
            chosen = short[start : start + FEW]
            ids = self._tokenize(text=tf.constant([clean(lines[index]) for index in chosen]))["ids"]
            for index, length in zip(chosen, tf.math.count_nonzero(ids, axis=1).numpy().tolist(), strict=True):
                found[index] = length
        return found

    def align(self, lines: Sequence[str], batch_size: int = 64) -> list[Alignment]:
        return align_strings(lambda batch: self._align(text=batch), lines, batch_size)


def save(module: Any, folder: str | os.PathLike[str], check: Callable[[Path], None] | None = None) -> Path:
    """Write `module` (a `TextToText`) to `folder`; see `TextToText.save`.

    Args:
        module, folder: what and where.
        check: is given the model's folder under its temporary name; if it raises, nothing is left.

    Raises:
        UserError: the folder exists already.
    """
    folder = Path(folder)
    try:
        with whole_folder(folder) as partial:
            tf.saved_model.save(
                module,
                str(partial),
                signatures=functions(module),
                # Debug records of every node are half of a small model's bytes.
                options=tf.saved_model.SaveOptions(save_debug_info=False),
            )
            (partial / "batching_params.pbtxt").write_text(BATCHING, "utf-8")
            if check is not None:
                check(partial)
    except tf.errors.OutOfRangeError as error:  # what TensorFlow calls a file that may not grow any more
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(folder)) from error
    return folder


def load(folder: str | os.PathLike[str]) -> SavedTextToText:
    """Load what `save` wrote.

    Raises:
        UserError: there is no SavedModel, it cannot be read, or it has other signatures.
    """
    folder = Path(folder)
    if not (folder / "saved_model.pb").is_file():
        raise UserError(
            f"folder: expected a SavedModel such as saved_models/dates/1, found no saved_model.pb in {folder}"
        )
    try:
        module = tf.saved_model.load(str(folder))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"folder: the SavedModel in {folder} cannot be read ({reason}); export it again") from error
    missing = {"serving_default", "align"} - set(module.signatures)
    if missing:
        raise UserError(
            f"folder: the SavedModel in {folder} has no signature {', '.join(sorted(missing))}; it has "
            f"{', '.join(sorted(module.signatures))}. Was it exported by keras_attn?"
        )
    return SavedTextToText(module)
