"""The training view gives the same numbers when compiled."""

from __future__ import annotations

from collections.abc import Iterator

from keras_attn.testing import backend
from keras_attn.testing.arrays import numpy, tensors
from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, same

CLOSE = 2e-6  # XLA fuses differently


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Compiled by XLA: `tf.function(jit_compile=True)`, `jax.jit`."""
    training = subject.views().training
    function = backend.compiled(lambda inputs: training(inputs))
    yield same("logits when compiled", numpy(function(tensors(subject.inputs))), subject.logits, CLOSE)
