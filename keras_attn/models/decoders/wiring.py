"""What a decoder is once its layers are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_attn.models.encoding import Encoding


def _nothing(like: Any) -> dict:
    return {}


class Wiring(NamedTuple):
    """The decoder's functions over one set of layers.

    Args:
        start: encoding -> memory, first state.
        step: (tokens, position, memory, state) -> what the softmax reads (batch, n, width), state, weights. A state
            without caches is that of training: nothing was before the tokens.
        project: the layer that makes logits of it; None if that is the table of target embeddings.
        cache: a tensor with the batch first -> `{"cache": ...}`, caches of no tokens, with which the state of a search
            starts; `{}` for a decoder that keeps none.
        shares_memory: whether each row of the memory may be that of several rows of tokens and state.
    """

    start: Callable[[Encoding], tuple[dict, dict]]
    step: Callable[[Any, Any, dict, dict], tuple[Any, dict, dict]]
    project: keras.layers.Layer | None
    cache: Callable[[Any], dict] = _nothing
    shares_memory: bool = False
