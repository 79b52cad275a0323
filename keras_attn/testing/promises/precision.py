"""In every float type the numbers stay finite, and near those of float32."""

from __future__ import annotations

from collections.abc import Iterator

from keras import tree

from keras_attn.testing import backend
from keras_attn.testing.arrays import dtype, tensors
from keras_attn.testing.statement import Statement, close, finite, said
from keras_attn.testing.subject import Subject

# Relative to the largest number; half the bits of the mantissa, several sums.
TOLERANCES = {"mixed_float16": 0.02, "mixed_bfloat16": 0.15, "float16": 0.02, "bfloat16": 0.15, "float64": 1e-5}


def look(subject: Subject) -> Iterator[Statement]:
    """Outputs of the policy's compute dtype, weights of its variable dtype, numbers finite and close."""
    wide = tree.flatten(subject.outputs())
    for policy, tolerance in TOLERANCES.items():
        if policy == "float64" and backend.name() != "tensorflow":
            continue
        layer = subject.layer(policy)
        kind = "float32" if policy.startswith("mixed") else policy
        for weight in layer.trainable_weights:
            yield said(f"dtype of {weight.path} in {policy}", dtype(weight), kind)
        raw = tree.flatten(subject.specimen.call(layer, tensors(subject.arrays())))
        narrow = tree.flatten(subject.outputs(policy))
        for (_, spec), tensor, one, other in zip(subject.results, raw, narrow, wide, strict=True):
            if spec.real:
                what = f"{spec.dimensions} in {policy}"
                yield said(f"dtype of {what}", dtype(tensor), policy.removeprefix("mixed_"))
                yield finite(what, one)
                if "jumps" not in subject.claims or policy == "float64":
                    yield close(what, one, other, tolerance)
