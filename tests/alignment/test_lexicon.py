"""IBM Model 1 against the numbers of a textbook, and against loops over words."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from keras_attn.alignment import learn_lexicon
from keras_attn.alignment import lexicon as module

DAS, HAUS, BUCH, EIN = 4, 5, 6, 7
THE, HOUSE, BOOK, A = 4, 5, 6, 7
SOURCES, TARGETS = [[DAS, HAUS], [DAS, BUCH], [EIN, BUCH]], [[THE, HOUSE], [THE, BOOK], [A, BOOK]]


def table(found):
    return {(s, t): p for s, t, p in zip(found.source.tolist(), found.target.tolist(), found.probability, strict=True)}


@pytest.mark.parametrize(
    ("iterations", "the", "book_of_das"),
    [(1, 0.5, 0.25), (2, 0.6364, 0.1818), (3, 0.7479, 0.1208)],
)
def test_the_textbooks_example(iterations, the, book_of_das):
    """Koehn 2010, "Statistical Machine Translation", figure 4.4."""
    found = table(learn_lexicon(SOURCES, TARGETS, iterations=iterations, null=False))
    assert round(found[DAS, THE], 4) == the
    assert round(found[DAS, BOOK], 4) == book_of_das
    assert round(found[BUCH, BOOK], 4) == the


def by_loops(sources, targets, iterations):
    t = collections.defaultdict(lambda: 1.0)
    for _ in range(iterations):
        count, total = collections.Counter(), collections.Counter()
        for source, target in zip(sources, targets, strict=True):
            for f in target:
                normalizer = sum(t[e, f] for e in [*source, 0])
                for e in [*source, 0]:
                    count[e, f] += t[e, f] / normalizer
                    total[e] += t[e, f] / normalizer
        t = {(e, f): share / total[e] for (e, f), share in count.items()}
    return t


@pytest.mark.parametrize("at_once", [2, 100])
def test_words_that_come_twice_sentences_without_words_and_the_word_that_is_none(monkeypatch, at_once):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    rng = np.random.default_rng(1)
    sources, targets = ([rng.integers(4, 9, length) for length in rng.integers(0, 6, 11)] for _ in range(2))
    found, wanted = table(learn_lexicon(sources, targets, iterations=3)), by_loops(sources, targets, 3)
    assert found.keys() == wanted.keys()
    for pair, probability in wanted.items():
        assert found[pair] == pytest.approx(probability, rel=1e-12)
    assert len(learn_lexicon([], []).source) == 0
