"""How good links are, by links that people made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keras_attn.alignment.links import Gold, Links


@dataclass(frozen=True)
class AlignmentQuality:
    """Precision |A and P| / |A|, recall |A and S| / |S|, AER; not-a-number of no links.

    Args:
        precision, recall, error_rate: 0 to 1.
        found, sure: number of links |A| and |S|.
    """

    precision: float
    recall: float
    error_rate: float
    found: int
    sure: int


def alignment_quality(found: Iterable[Links], gold: Iterable[Gold]) -> AlignmentQuality:
    """Count over all sentences: AER(S, P; A) = 1 - (|A and S| + |A and P|) / (|A| + |S|).

    >>> quality = alignment_quality([frozenset({(0, 0), (1, 1)})], [Gold(frozenset({(0, 0)}), frozenset({(0, 0)}))])
    >>> quality.precision, quality.recall
    (0.5, 1.0)

    Args:
        found: A, of each sentence. Where people linked some words only, count these: see `linked_only`.
        gold: S and P, of each sentence.

    Source: Och and Ney 2003, https://aclanthology.org/J03-1002/, equations 42 to 44.
    """
    made = right = sure = sure_right = 0
    for links, (certain, possible) in zip(found, gold, strict=True):
        made, right = made + len(links), right + len(links & possible)
        sure, sure_right = sure + len(certain), sure_right + len(links & certain)
    nothing = float("nan")
    return AlignmentQuality(
        precision=right / made if made else nothing,
        recall=sure_right / sure if sure else nothing,
        error_rate=1 - (sure_right + right) / (made + sure) if made + sure else nothing,
        found=made,
        sure=sure,
    )


def linked_only(found: Links, gold: Gold) -> Links:
    """The links of those target words that people have linked; what they left open is neither right nor wrong."""
    linked = {target for _, target in gold.possible}
    return frozenset(link for link in found if link[1] in linked)


def differing_only(gold: Gold, source: Sequence[str], target: Sequence[str]) -> Gold:
    """The links between words of different form, which no comparison of strings finds.

    >>> two = frozenset({(0, 0), (1, 1)})
    >>> differing_only(Gold(two, two), ["the", "ass"], ["the", "donkey"]).sure
    frozenset({(1, 1)})
    """
    sure, possible = (frozenset(link for link in links if source[link[0]] != target[link[1]]) for links in gold)
    return Gold(sure, possible)
