"""Every weight learns; of the words, those in the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import probe, tensors
from keras_attn.testing.model_subject import ModelSubject, asked
from keras_attn.testing.statement import Statement, finite, said


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Each weight receives a gradient that is not zero, in training."""
    model = subject.views().training

    def number(_: list) -> Any:
        logits = model(tensors(subject.inputs), training=True)
        return probe(logits), logits

    for weight, gradient in zip(model.trainable_weights, backend.gradients(number, [], model)[1], strict=True):
        yield finite(f"gradient of {weight.path}", gradient)
        came = "a gradient" if np.abs(gradient).max() else "no gradient"
        yield said(f"what {weight.path} receives", came, "a gradient")
    yield from _words(subject)


def _words(subject: ModelSubject) -> Iterator[Statement]:
    """In the encoder's table of words, the rows of the source's words learn, and padding does not."""
    views, words = subject.views(), set(subject.source().ravel().tolist()) - {0}
    rows = subject.specimen.source_vocabulary
    tables = [w for w in views.encoder.trainable_weights if "embedding" in w.path and w.shape[0] == rows]
    if len(tables) != 1:
        return

    def number(_: list) -> Any:
        encoded = views.encoder(tensors(subject.source()))
        out = views.step(asked(subject.target(), encoded))
        return probe(tree.flatten(encoded["state"]) + tree.flatten(out["weights"])), out["logits"]

    gradients = dict(zip(_paths(views.step, views.encoder), _gradients(number, views), strict=True))
    size = np.abs(gradients[tables[0].path]).max(-1)  # (vocabulary,)
    learned = set(np.flatnonzero(size).tolist())
    shared = any(tables[0] is weight for weight in views.step.trainable_weights)
    wanted = words | learned if shared else words  # the target's words learn there too
    yield said("words of the source that learn", sorted(learned), sorted(wanted))


def _paths(*models: Any) -> list[str]:
    return list(dict.fromkeys(weight.path for model in models for weight in model.trainable_weights))


def _gradients(number: Any, views: Any) -> list[np.ndarray]:
    return backend.gradients(number, [], _Both(views))[1]


class _Both:
    """The weights of step and encoder, each once."""

    def __init__(self, views: Any):
        models = (views.step, views.encoder)
        self.trainable_weights = self.trainable_variables = _once(models, "trainable_variables")
        self.non_trainable_variables = _once(models, "non_trainable_variables")


def _once(models: tuple, kind: str) -> list:
    return list({id(weight): weight for model in models for weight in getattr(model, kind)}.values())
