"""In mixed precision the numbers stay finite, and near those of float32."""

from __future__ import annotations

from collections.abc import Iterator

from keras_attn.testing.arrays import dtype, numpy
from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, finite, said, same

TOLERANCES = {"mixed_float16": 0.02, "mixed_bfloat16": 0.15}


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Logits of training and step."""
    subject.needs_making()
    for policy, tolerance in TOLERANCES.items():
        views = subject.views(policy)
        logits = views.training(subject.inputs)
        yield said(f"dtype of the logits in {policy}", dtype(logits), policy.removeprefix("mixed_"))
        logits = numpy(logits)
        yield finite(f"logits in {policy}", logits)
        yield same(f"logits in {policy}", logits, subject.logits, tolerance)
        stepped = subject.step(subject.target(), views.encoder(subject.source()), policy=policy)["logits"]
        yield finite(f"logits of step in {policy}", stepped)
        yield same(f"logits of step in {policy}", stepped, logits, tolerance)
