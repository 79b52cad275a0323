"""One readable check of a tensor's dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from keras_attn.shapes import check


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [((2, 5, 7), {}), ((2, 5, 7), {"features": 7}), ((None, None, 7), {"batch": 3}), ((2, 5, 7), {"other": 1})],
)
def test_what_agrees_is_silent(shape, sizes):
    class Symbol:
        pass

    symbol = Symbol()
    symbol.shape = shape
    check(symbol, "batch key_length features", "value", **sizes)


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 7, 1), (), (2, 5, 11)])
def test_what_differs_names_the_argument_what_was_wanted_and_what_came(shape):
    with pytest.raises(ValueError, match="`value` must have shape") as error:
        check(np.zeros(shape), "batch key_length features", "value", features=7)
    assert str(error.value) == (f"`value` must have shape (batch, key_length, features=7); it came with shape {shape}.")
