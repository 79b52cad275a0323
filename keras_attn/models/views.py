"""One set of layers, seen three ways."""

from __future__ import annotations

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Views:
    """Functional models that share their weights.

    | view | inputs | outputs |
    |---|---|---|
    | `training` | source (batch, source_length), target (batch, n) | logits (batch, n, vocabulary) |
    | `encoder` | source | memory, first state |
    | `step` | tokens (batch, n), position (), memory, state | logits (batch, n, vocabulary), state, weights |
    | `before_softmax` | the same | hidden (batch, n, width), of which `softmax` makes logits; state, weights |

    `step` takes a dict of its four inputs by name and returns a dict; weights are
    `{layer name: (batch, heads, n, source_length)}`, `{}` without attention. Every leaf of memory and state has the
    batch first. Training is the step with the whole target as one long step. If `step.shares_memory` is set, each row
    of the memory may be that of several rows of the other inputs, one after the other.
    """

    training: keras.Model
    encoder: keras.Model
    step: keras.Model
    before_softmax: keras.Model | None = None
    softmax: keras.layers.Layer | None = None
