"""In which float type a model computes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, get_args

import keras

from keras_attn.errors import one_of

Precision = Literal["float32", "bfloat16", "float16"]


@contextlib.contextmanager
def precision(name: Precision) -> Iterator[None]:
    """Make the layers that are made inside compute in `name`, with weights in float32.

    A model of float16 that is compiled has its loss scaled by Keras (`LossScaleOptimizer`), so that small gradients
    do not become 0.

    Args:
        name: "float32", "bfloat16" or "float16".

    Raises:
        UserError: no such precision.

    Source: Micikevicius et al. 2018, "Mixed Precision Training".

    >>> with precision("bfloat16"):
    ...     layer = keras.layers.Dense(2)
    >>> layer.compute_dtype, layer.variable_dtype, keras.layers.Dense(2).compute_dtype
    ('bfloat16', 'float32', 'float32')
    """
    one_of("precision", name, get_args(Precision))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name if name == "float32" else f"mixed_{name}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
