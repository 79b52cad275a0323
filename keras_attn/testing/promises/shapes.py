"""What is said before numbers flow is what comes."""

from __future__ import annotations

from collections.abc import Iterator

from keras import tree

from keras_attn.testing.arrays import dtype, policy, tensors
from keras_attn.testing.statement import Statement, said
from keras_attn.testing.subject import Subject

POLICIES = ("float32", "mixed_bfloat16")


def look(subject: Subject) -> Iterator[Statement]:
    """Structure, shape and dtype of every output over symbols, with known and unknown sizes, and over numbers."""
    specimen = subject.specimen
    for name in POLICIES:
        eager = specimen.call(subject.layer(name), tensors(subject.arrays()))
        tree.assert_same_structure(eager, specimen.outputs)
        with policy(name):
            layer = specimen.make()
        for unknown in (True, False):  # it is built knowing nothing
            with policy(name):
                symbolic = specimen.call(layer, specimen.symbols(unknown))
            tree.assert_same_structure(symbolic, specimen.outputs)
            leaves = zip(subject.results, tree.flatten(symbolic), tree.flatten(eager), strict=True)
            for (_, spec), symbol, tensor in leaves:
                what = f"of {spec.dimensions} in {name}"
                yield said(f"shape {what}", tuple(tensor.shape), spec.shape)
                wanted = spec.open_shape if unknown else spec.shape
                sizes = "unknown sizes" if unknown else "known sizes"
                yield said(f"symbolic shape {what}, {sizes}", tuple(symbol.shape), wanted)
                yield said(f"symbolic dtype {what}", dtype(symbol), dtype(tensor))
                if spec.real:
                    yield said(f"dtype {what}", dtype(tensor), name.removeprefix("mixed_"))
