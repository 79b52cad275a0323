"""A score of decoded text among the validation metrics."""

from __future__ import annotations

from collections.abc import Callable

import keras

from keras_attn.errors import UserError


class DecodedScore(keras.callbacks.Callback):
    """Puts `val_<name>` into the logs at the end of an epoch, as if Keras had computed it in validation.

    Put it first in the list of callbacks: those after it (`ModelCheckpoint(monitor="val_bleu", mode="max")`,
    `EarlyStopping`, `Board`) and `history` see the score.

    Args:
        score: a callable without arguments that returns a number, e.g. `Bleu(decode, pairs)`.
        every: score at the end of every so manieth epoch and of the last; in the others the logs have no such
            key, as with `validation_freq` of `fit`.
        name: the key without `val_`; `score.name` unless given.

    Raises:
        UserError: if `score` cannot be called, has no name, or `every` is below 1.
    """

    def __init__(self, score: Callable[[], float], every: int = 1, *, name: str | None = None):
        super().__init__()
        name = name or getattr(score, "name", None)
        if not callable(score) or not name:
            raise UserError(
                "score: expected a callable with a `name`, such as training.Bleu(decode, pairs), "
                f"got {type(score).__name__}; give `name=` for a plain function"
            )
        if every < 1:
            raise UserError(f"every: expected at least 1 epoch, got {every}")
        self.score, self.every, self.name = score, every, name

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        last = epoch + 1 == self.params.get("epochs")
        if logs is not None and ((epoch + 1) % self.every == 0 or last):
            logs[f"val_{self.name}"] = float(self.score())
