"""What a model thinks of given outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops, tree

from keras_attn.decoding.beginning import roomy
from keras_attn.decoding.likeliest import own_log_p


class Scores(NamedTuple):
    """log p of outputs.

    Args:
        score: (batch,) float32, the sum over an output's tokens.
        tokens: (batch, target_length) float32, log p(y_i | y_<i, x); 0 at padding.
    """

    score: Any
    tokens: Any


def score(
    step: Callable[[dict], dict], memory: Any, state: Any, target: Any, *, start: int = 2, padding: int = 0
) -> Scores:
    """log p(y | x) of given outputs: one step of all their tokens.

    Args:
        step, memory, state: see `Greedy`.
        target: (batch, target_length) ids, with the end token where it is to count, padded behind it.
        start, padding: the ids of these two tokens.

    >>> from keras_attn import decoding, models
    >>> views = models.seq2seq(models.RNNEncoder(units=4), models.RNNDecoder(units=4), 11, 13)
    >>> encoded = views.encoder(ops.ones((1, 3), dtype="int32"))
    >>> found = decoding.Greedy()(views.step, encoded["memory"], encoded["state"], 5)
    >>> abs(float(score(views.step, **encoded, target=found.ids[:, 0]).score[0] - found.score[0, 0])) < 1e-5
    True
    """
    target = ops.cast(target, "int32")
    batch, length = ops.shape(target)
    before = ops.concatenate([ops.full((batch, 1), start, dtype="int32"), target[:, :-1]], axis=1)
    first = {"tokens": before, "position": ops.cast(0, "int32")}
    tensors = tree.map_structure(ops.convert_to_tensor, {"memory": memory, "state": roomy(state, length)})
    logits = ops.cast(step({**first, **tensors})["logits"], "float32")  # (batch, target_length, vocabulary)
    log_p = own_log_p(logits, ops.expand_dims(target, 2))[:, :, 0]
    tokens = ops.where(target == padding, 0.0, log_p)
    return Scores(ops.sum(tokens, axis=1), tokens)
