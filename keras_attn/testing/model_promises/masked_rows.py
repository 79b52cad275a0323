"""An empty source: no NaN in values or gradients, no weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_attn.testing import arrays as nests
from keras_attn.testing import backend
from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, finite, holds, same


def look(subject: ModelSubject) -> Iterator[Statement]:
    """The second source is all padding."""
    inputs = subject.inputs
    inputs["source"][1] = 0
    for policy in subject.policies("float32", "mixed_float16", "mixed_bfloat16"):
        views = subject.views(policy)

        def number(_: list, views: Any = views) -> Any:
            logits = views.training(nests.tensors(inputs), training=True)
            return nests.probe(logits), logits

        _, learned, logits = backend.gradients(number, [], views.training)
        yield finite(f"logits in {policy}", logits)
        for weight, gradient in zip(views.training.trainable_weights, learned, strict=True):
            yield finite(f"gradient of {weight.path} in {policy}", gradient)
        encoded = views.encoder(inputs["source"])
        for name, weights in subject.step(inputs["target"], encoded, policy=policy)["weights"].items():
            yield same(f"weights of {name} over nothing in {policy}", weights[1], np.zeros_like(weights[1]))
            if "sums to one" in subject.claims:
                sums = weights[0].sum(-1)
                yield holds(f"sums of the weights of {name} over words in {policy}", sums > 0.9, sums, "about 1")
