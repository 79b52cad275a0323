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
    first, second = _made(subject), _made(subject)
    for weight, one, other in zip(first.weights, first.get_weights(), second.get_weights(), strict=True):
        yield same(f"first value of {weight.path}", one, other)
    one, other = (model(subject.inputs, training=True) for model in (first, second))
    yield same("logits in training with the same seed", *map(keras.ops.convert_to_numpy, (one, other)))


def _made(subject: ModelSubject) -> Any:
    keras.utils.set_random_seed(1)
    return subject.specimen.make().training
