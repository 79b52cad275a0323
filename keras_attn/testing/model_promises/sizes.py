"""One model for every batch and length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.model_subject import ModelSubject, asked
from keras_attn.testing.statement import Statement, same

CLOSE = 2e-6
SOURCE, TARGET = {"seed": 5, "lengths": (7, 2, 4)}, {"seed": 6, "lengths": (1, 6, 2)}


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Three other sentences: training and step agree."""
    source, target = subject.source(**SOURCE), subject.target(**TARGET)
    encoded = numpy(subject.views().encoder(tensors(source)))
    logits = subject.train({"source": source, "target": target})
    yield same("logits of step and of training", subject.step(target, encoded)["logits"], logits, CLOSE)


def other(subject: ModelSubject) -> dict[str, Any]:
    """What encoder and step are given for those sentences, as tensors."""
    source = tensors(subject.source(**SOURCE))
    encoded = subject.views().encoder(source)
    return {"encoder": source, "step": asked(subject.target(**TARGET), encoded)}
