"""The same seed gives the same model, and what is random comes from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, same


def look(subject: ModelSubject) -> Iterator[Statement]:
    """First weights, and logits in training; without training, the same at every call."""
    yield same("logits of a second call", subject.train(subject.inputs), subject.train(subject.inputs))
    if not subject.specimen.remakable:
        return
    (model, first, one), (_, second, other) = _run(subject), _run(subject)
    for weight, before, after in zip(model.weights, first, second, strict=True):
        yield same(f"first value of {weight.path}", before, after)
    yield same("logits in training with the same seed", one, other)


def _run(subject: ModelSubject) -> tuple[Any, list, Any]:
    """A model made and called after a seed was set: its first weights, and its logits in training."""
    keras.utils.set_random_seed(1)
    model = subject.specimen.make().training
    return model, model.get_weights(), keras.ops.convert_to_numpy(model(subject.inputs, training=True))
