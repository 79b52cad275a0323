"""Minimum Bayes risk: the output that is most like the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from keras_attn.errors import expect

T = TypeVar("T", bound="str | tuple")


@dataclass(frozen=True)
class LeastRisk:
    """Which of a sentence's candidates was chosen, and its expected utility."""

    index: int
    utility: float


def minimum_bayes_risk(
    candidates: Sequence[T],
    utility: Callable[[T, T], float],
    samples: Sequence[T] | None = None,
    weights: Sequence[float] | None = None,
) -> LeastRisk:
    """argmax_h sum_r w_r u(h, r): of one sentence's candidates, the one that the samples agree on most.

    Samples drawn without truncation stand for the model's distribution with equal weights. With n-best lists weights
    are their probabilities.

    Args:
        candidates: texts to choose from, at least one; of equal ones, and of those with equal utility, the first.
        utility: (hypothesis, reference) -> how good, such as sacreBLEU's
            `lambda hypothesis, reference: sentence_chrf(hypothesis, [reference]).score`. It is asked once for each pair
            of different texts.
        samples: texts to compare with; the candidates if None.
        weights: one for each sample, at least 0, not all 0; equal if None.

    Source: Eikema and Aziz 2022, "Sampling-Based Approximations to Minimum Bayes Risk Decoding for Neural Machine
    Translation", eq. 4.

    >>> same = lambda hypothesis, reference: len(set(hypothesis) & set(reference))
    >>> minimum_bayes_risk(["ab", "cde", "abc", "xyz"], same)
    LeastRisk(index=2, utility=1.5)
    """
    expect(len(candidates) >= 1, "candidates", "at least one", list(candidates))
    samples = candidates if samples is None else samples
    expect(len(samples) >= 1, "samples", "at least one", list(samples))
    each = [1.0] * len(samples) if weights is None else [float(weight) for weight in weights]
    fits = len(each) == len(samples) and min(each) >= 0 and sum(each) > 0
    expect(fits, "weights", f"{len(samples)} of at least 0, not all 0", weights)
    mass: Counter[T] = Counter()
    for sample, weight in zip(samples, each, strict=True):
        mass[sample] += weight  # type: ignore[assignment]  # a counter counts in fractions as well
    expected = {
        text: sum(weight * utility(text, sample) for sample, weight in mass.items() if weight) / sum(each)
        for text in dict.fromkeys(candidates)
    }
    best = max(range(len(candidates)), key=lambda index: expected[candidates[index]])
    return LeastRisk(best, expected[candidates[best]])
