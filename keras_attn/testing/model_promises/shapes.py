"""What is said before numbers flow is what comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from keras import tree

from keras_attn.ops.memory import CACHE
from keras_attn.testing.arrays import dtype
from keras_attn.testing.model_subject import ModelSubject, asked
from keras_attn.testing.statement import Statement, said


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Shape and dtype of every output of the three views, over symbols and over numbers."""
    for policy in subject.policies("float32", "mixed_bfloat16"):
        eager = came(subject, policy)
        for unknown in (False, True):
            symbolic = shown(subject, policy, unknown)
            tree.assert_same_structure(symbolic, eager)
            pairs = zip(tree.flatten_with_path(symbolic), tree.flatten(eager), strict=True)
            for (path, symbol), tensor in pairs:
                what, shape = " ".join(map(str, path)), tuple(symbol.shape)
                free = unknown or CACHE in path  # how many tokens a cache has room for is not said by its shape
                wanted = tuple(
                    None if free and size is None else real for size, real in zip(shape, tensor.shape, strict=True)
                )
                yield said(f"symbolic shape of {what} in {policy}", shape, wanted)
                yield said(f"symbolic dtype of {what} in {policy}", dtype(symbol), dtype(tensor))
    yield from table(subject, came(subject, "float32"))


def table(subject: ModelSubject, eager: Any) -> Iterator[Statement]:
    """What comes out of each view."""
    batch, length = subject.target().shape
    logits = (batch, length, subject.specimen.target_vocabulary)
    yield said("shape of the logits in training", tuple(eager["training"].shape), logits)
    yield said("shape of the logits of step", tuple(eager["step"]["logits"].shape), logits)
    tree.assert_same_structure(eager["step"]["state"], eager["encoder"]["state"])
    for path, leaf in tree.flatten_with_path(eager["encoder"]):
        yield said(f"first dimension of {' '.join(map(str, path))}", leaf.shape[0], batch)
    for name, leaf in eager["step"]["weights"].items():
        wanted = (batch, leaf.shape[1], length, subject.source().shape[1])
        yield said(f"shape of the weights of {name}", tuple(leaf.shape), wanted)


def shown(subject: ModelSubject, policy: str, unknown: bool) -> dict[str, Any]:
    """The outputs of the three views over symbols."""
    views = subject.views(policy)
    source, target = (
        keras.KerasTensor((None, None) if unknown else ids.shape, "int32")
        for ids in (subject.source(), subject.target())
    )
    encoded = views.encoder(source)
    position = keras.KerasTensor((), "int32")
    return {
        "training": views.training({"source": source, "target": target}),
        "encoder": encoded,
        "step": views.step({"tokens": target, "position": position, **encoded}),
    }


def came(subject: ModelSubject, policy: str) -> dict[str, Any]:
    """The outputs of the three views."""
    views = subject.views(policy)
    encoded = views.encoder(subject.source())
    return {
        "training": views.training(subject.inputs),
        "encoder": encoded,
        "step": views.step(asked(subject.target(), encoded)),
    }
