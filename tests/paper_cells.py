"""Gated units in NumPy, one step for one example, with the weights of a Keras cell."""

from __future__ import annotations

import numpy as np
from paper_decoder import sigmoid


def wide(layer):
    """Weights in float64."""
    return [np.asarray(weight, "float64") for weight in layer.get_weights()]


def gru(cell, x, state):
    """Cho et al. 2014 with the reset gate before the matrix, or behind it as in cuDNN and PyTorch."""
    kernel, recurrent, bias = wide(cell)
    units, (h,) = len(recurrent), state
    of_x, of_h = bias if cell.reset_after else (bias, np.zeros_like(bias))
    z, r = (
        sigmoid(x @ kernel[:, part] + of_x[part] + h @ recurrent[:, part] + of_h[part])
        for part in (slice(0, units), slice(units, 2 * units))
    )
    new = slice(2 * units, None)
    if cell.reset_after:
        proposal = np.tanh(x @ kernel[:, new] + of_x[new] + r * (h @ recurrent[:, new] + of_h[new]))
    else:
        proposal = np.tanh(x @ kernel[:, new] + of_x[new] + (r * h) @ recurrent[:, new])
    h = z * h + (1 - z) * proposal
    return h, [h]


def lstm(cell, x, state):
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    kernel, recurrent, bias = wide(cell)
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def step(cell, x, state):
    return (lstm if len(state) == 2 else gru)(cell, x, state)
