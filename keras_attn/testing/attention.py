"""Every promise of an attention layer, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import keras

from keras_attn.testing.chosen import chosen
from keras_attn.testing.promises.table import PROMISES
from keras_attn.testing.protocol import remaker, specimens
from keras_attn.testing.report import Report
from keras_attn.testing.specimen import USUAL, Specimen
from keras_attn.testing.subject import Subject


def check_attention(
    layer: keras.layers.Layer | Specimen | Callable[[], keras.layers.Layer],
    claims: Collection[str] = USUAL,
    only: Collection[str] = (),
    show: bool = True,
    strict: bool = True,
) -> Report:
    """Hold a layer to every promise, with prime sizes, and print what held.

    Args:
        layer: a layer (it is made anew from its configuration and not touched itself), a function without arguments
            that makes one, or a `Specimen`. The first two must be called as Keras' attention layers are: with
            `query, value, key, ...` or with `inputs=[query, value, key], mask=[...]`.
        claims: what the layer claims, of `keras_attn.testing.specimen.CLAIMS`. A specimen brings its own.
        only: names of promises; all if empty.
        show: print the table.
        strict: raise if a promise is broken.

    Returns:
        Every outcome. "-" stands where a promise does not apply, with the reason.

    Raises:
        Broken: a promise is broken: the layer, the promise, the first index where it broke, what was expected and
            what came.
        ValueError: an unknown promise or claim, or a call that needs a specimen.
    """
    promises = chosen(PROMISES, only)
    if isinstance(layer, Specimen):
        title, cases = layer.name, [layer]
    else:
        make = remaker(layer) if isinstance(layer, keras.layers.Layer) else layer
        title = re.sub("(?<=[a-z])(?=[A-Z])", "-", type(make()).__name__).lower()
        cases = specimens(title, make, frozenset(claims))
    subjects = [Subject(case) for case in cases]
    report = Report(title, promises, [promise.judge(subject) for promise in promises for subject in subjects])
    if show:
        report.print()
    return report.raise_if_broken() if strict else report
