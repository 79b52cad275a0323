"""One number that makes a model as sure as it may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from keras_attn.errors import UserError, expect, one_of

Batches = Iterable[tuple[np.ndarray, np.ndarray]]
"""(logits (n, vocabulary), labels (n,)), any number of times; gone through again and again."""

LOWEST, HIGHEST = 0.01, 100.0
TINY = 1e-300  # probability
ENOUGH, FLAT = 1e-7, 1e-12  # relative change of the temperature, and slope per label, at which the search ends


def fit_temperature(batches: Batches, of: Literal["labels", "confidence"] = "labels") -> float:
    """The T > 0 with which p = softmax(z / T) fits what was right, no other number of the model changed.

        of labels: minimize over b = 1 / T  sum_i [logsumexp(b z_i) - b z_i,y_i]
        of confidence: the same for "right" and "wrong", of probabilities max_k p_i,k and 1 - max_k p_i,k

    The first makes the labels likeliest. A model that learned from smoothed labels gives some probability to every
    word; what takes that away may make it too sure of its likeliest ones, and the second fits those alone. Where only T
    is wrong, both find it. The likeliest word stays the likeliest, so greedy search writes the same.

    The first sum is convex in b: its derivative is that of the mean logit under p less the label's, the second one is
    the logits' variance under p. Newton's steps, or Fisher's for the other, take five to ten passes.

    Args:
        batches: logits of validation text that was not trained on, and what they should have said; a list, or
            something that can be gone through several times.
        of: what is to be likely, see above.

    Returns:
        T, at least 0.01 and at most 100. Above 1 the model was too sure of itself, below 1 not sure enough. If it is
        always right, there is no minimum, and T is so small that it makes no difference any more.

    Raises:
        UserError: there are no labels, or `batches` can be gone through once only.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 4.2; of confidence: Gupta and Ramdas 2022,
    https://arxiv.org/abs/2107.08353, section 2.

    >>> logits = np.array([[4.0, 0.0]] * 4)  # sure to 98 %, right in 3 of 4
    >>> round(fit_temperature([(logits, np.array([0, 0, 0, 1]))]), 3)  # 4 / ln 3
    3.641
    """
    one_of("of", of, ("labels", "confidence"))
    if iter(batches) is batches:
        raise UserError("batches: expected something to go through several times, got an iterator; make a list")
    inverse = 1.0
    for _ in range(100):
        slope, curvature = _derivatives(batches, inverse, of)
        if abs(slope) <= FLAT:
            break
        # Far from the minimum the parabola may lie anywhere; half and double are steps that cannot go astray.
        step = inverse - slope / curvature if curvature > 0 else (inverse / 2 if slope > 0 else 2 * inverse)
        step = min(max(step, inverse / 2, 1 / HIGHEST), 2 * inverse, 1 / LOWEST)
        if abs(step - inverse) <= ENOUGH * inverse:
            break
        inverse = step
    return 1 / inverse


def _derivatives(batches: Batches, inverse: float, of: str) -> tuple[float, float]:
    """First and second derivative by 1 / T of the mean negative log-likelihood; the second, of confidence, expected."""
    slope = curvature = 0.0
    count = 0
    for logits, labels in batches:
        rows = np.arange(len(labels))
        z = logits.astype("float64")
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(inverse * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nv,nv->n", p, z)
        if of == "labels":
            slope += float((mean - z[rows, labels]).sum())
            curvature += float((np.einsum("nv,nv,nv->n", p, z, z) - mean**2).sum())
        else:
            best = z.argmax(axis=1)
            sure = p[rows, best]
            p[rows, best] = 0.0
            wrong = np.maximum(p.sum(axis=1), TINY)  # 1 - sure, which would round to 0
            slope += float(((sure - (best == labels)) / wrong * -mean).sum())
            curvature += float((sure / wrong * mean**2).sum())
        count += len(labels)
    expect(count > 0, "batches", "at least one label", "none")
    return slope / count, curvature / count
