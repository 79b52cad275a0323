"""Which words may be drawn: the likely ones, said in three ways."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_attn.decoding.likeliest import LARGE, NEVER


def keep_top_k(logits: Any, count: int) -> Any:
    """The `count` likeliest words; words that tie with the last one stay too.

    Args:
        logits: (rows, vocabulary) float32; what is left out gets `NEVER`.

    Source: Fan et al. 2018, "Hierarchical Neural Story Generation", section 5.4.
    """
    least = ops.top_k(logits, min(count, logits.shape[-1] or LARGE))[0][:, -1:]
    return ops.where(logits >= least, logits, NEVER)


def keep_nucleus(logits: Any, mass: float) -> Any:
    """The fewest words, likeliest first, whose probabilities sum to at least `mass`.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", eq. 2.
    """
    return _keep_fewest(logits, logits, ops.softmax(logits, axis=-1), mass)


def keep_typical(logits: Any, mass: float) -> Any:
    """The fewest words whose information is nearest to what is expected, with probabilities of at least `mass`.

    Words come in the order of |H(p) + log p(y)|, with H the entropy of the next word.

    Source: Meister et al. 2023, "Locally Typical Sampling", eq. 10-11.
    """
    log_p = ops.log_softmax(logits, axis=-1)
    p = ops.exp(log_p)
    entropy = -ops.sum(p * log_p, axis=-1, keepdims=True)  # (rows, 1)
    return _keep_fewest(logits, -ops.abs(entropy + log_p), p, mass)


def _keep_fewest(logits: Any, key: Any, p: Any, mass: float) -> Any:
    """Words of the highest keys until their p sums to `mass`; those that tie with the last one stay too."""
    ordered, order = ops.top_k(key, ops.shape(key)[-1])
    p = ops.take_along_axis(p, order, axis=-1)
    enough = ops.cumsum(p, axis=-1) - p >= mass  # before this word there was enough
    least = ops.min(ops.where(enough, float("inf"), ordered), axis=-1, keepdims=True)
    return ops.where(key >= least, logits, NEVER)
