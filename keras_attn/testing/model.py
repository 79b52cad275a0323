"""Every promise of a model, checked."""

from __future__ import annotations

from collections.abc import Callable, Collection

import keras

from keras_attn.models import Views
from keras_attn.testing.chosen import chosen
from keras_attn.testing.model_promises.table import MODEL_PROMISES
from keras_attn.testing.model_specimen import ModelSpecimen
from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.report import Report


def check_model(
    model: Views | ModelSpecimen | Callable[[], Views],
    source_vocabulary: int | None = None,
    claims: Collection[str] = ("sums to one", "positive"),
    only: Collection[str] = (),
    name: str = "model",
    show: bool = True,
    strict: bool = True,
) -> Report:
    """Hold a model to every promise, and print what held.

    Args:
        model: three views (their weights are left as they are); a function without arguments that makes them, which
            shows more: its models are also made in mixed precision and from a seed; or a `ModelSpecimen`.
        source_vocabulary: number of ids of the source; None = as many as the encoder's `Embedding` has rows.
        claims: of "sums to one" and "positive", what the attention weights of `step` are over the words.
        only: names of promises; all if empty.
        name: for table and messages.
        show: print the table.
        strict: raise if a promise is broken.

    Returns:
        Every outcome. "-" stands where a promise does not apply, with the reason.

    Raises:
        Broken: a promise is broken.
        ValueError: an unknown promise, or an encoder whose vocabulary is not found.
    """
    promises = chosen(MODEL_PROMISES, only)
    if not isinstance(model, ModelSpecimen):
        views = model if isinstance(model, Views) else model()
        specimen = ModelSpecimen(
            name,
            (lambda: views) if isinstance(model, Views) else model,
            source_vocabulary or _rows(views.encoder),
            views.training.output.shape[-1],
            frozenset(claims),
            remakable=not isinstance(model, Views),
        )
    else:
        specimen = model
    subject = ModelSubject(specimen)
    report = Report(specimen.name, promises, [promise.judge(subject) for promise in promises])
    if show:
        report.print()
    return report.raise_if_broken() if strict else report


def _rows(encoder: keras.Model) -> int:
    """The rows of the encoder's table of words."""
    found = [layer.input_dim for layer in encoder.layers if isinstance(layer, keras.layers.Embedding)]
    if len(found) != 1:
        raise ValueError(
            f"source_vocabulary: expected an encoder with one Embedding, got {len(found)}; give the number"
        )
    return found[0]
