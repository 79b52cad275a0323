"""Scores are sacreBLEU's, also where sources have different numbers of references."""

import random

import pytest
import sacrebleu

from keras_attn.errors import UserError
from keras_attn.training import text_scores


def corpus(seed, most_references):
    """Return hypotheses and references that share most words, some of them empty."""
    rng = random.Random(seed)
    words = ["the", "cat", "sat", "on", "a", "Mat", ",", "and", "slept", "."]

    def noisy(sentence):
        return " ".join(rng.choice(words) if rng.random() < 0.2 else word for word in sentence)

    hypotheses, references = [], []
    for _ in range(40):
        sentence = [rng.choice(words) for _ in range(rng.randint(4, 15))]
        hypotheses.append(noisy(sentence) if rng.random() < 0.9 else "")
        references.append([noisy(sentence) for _ in range(rng.randint(1, most_references))])
    return hypotheses, references


@pytest.mark.parametrize("tokenize", ["13a", "intl", "char", "zh", "none"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_bleu_is_sacrebleus_with_one_reference(tokenize, lowercase):
    hypotheses, references = corpus(0, 1)
    expected = sacrebleu.corpus_bleu(
        hypotheses, [[entry[0] for entry in references]], tokenize=tokenize, lowercase=lowercase
    )
    score, signature = text_scores.bleu(hypotheses, references, tokenize=tokenize, lowercase=lowercase)
    assert 0 < score == expected.score < 100
    assert f"tok:{tokenize}" in signature
    assert f"case:{'lc' if lowercase else 'mixed'}" in signature


@pytest.mark.parametrize("lowercase", [False, True])
def test_chrf_is_sacrebleus_with_one_reference(lowercase):
    hypotheses, references = corpus(1, 1)
    streams = [[entry[0] for entry in references]]
    metric = sacrebleu.CHRF(lowercase=lowercase)
    score, signature = text_scores.chrf(hypotheses, references, lowercase=lowercase)
    assert 0 < score == metric.corpus_score(hypotheses, streams).score < 100
    assert signature == str(metric.get_signature())


def test_missing_references_count_like_repeated_ones():
    # Clipped n-gram counts, the closest length and the best chrF stay when a reference is said twice.
    hypotheses, references = corpus(2, 4)
    assert len({len(entry) for entry in references}) > 1
    streams = [[entry[min(i, len(entry) - 1)] for entry in references] for i in range(4)]
    assert text_scores.bleu(hypotheses, references)[0] == sacrebleu.corpus_bleu(hypotheses, streams).score
    assert text_scores.chrf(hypotheses, references)[0] == sacrebleu.corpus_chrf(hypotheses, streams).score
    assert "nrefs:var" in text_scores.bleu(hypotheses, references)[1]


def test_every_reference_counts():
    hypotheses, references = ["x x x x", "a b c d e"], [["y y y y"], ["f g h i j", "k", "a b c d e"]]
    assert text_scores.bleu(hypotheses, references)[0] > 10
    assert text_scores.chrf(hypotheses, references)[0] > 10
    assert text_scores.exact_match(hypotheses, references) == 50.0


def test_equal_texts_score_exactly_100():
    texts = ["the cat sat on a mat", "and it slept there"]
    assert text_scores.bleu(texts, [[t] for t in texts])[0] == 100.0
    assert text_scores.chrf(texts, [[t] for t in texts])[0] == 100.0


def test_nothing_but_empty_hypotheses_score_0():
    hypotheses, references = ["", ""], [["a b c d"], ["e f", "g"]]
    assert text_scores.bleu(hypotheses, references)[0] == 0.0
    assert text_scores.chrf(hypotheses, references)[0] == 0.0
    assert text_scores.exact_match(hypotheses, references) == 0.0


def test_exact_match_minds_case_unless_told_and_no_blanks_at_the_ends():
    assert text_scores.exact_match([" A b\n", "c"], [["a b"], ["c "]]) == 50.0
    assert text_scores.exact_match([" A b\n", "c"], [["a b"], ["c "]], lowercase=True) == 100.0
    assert text_scores.exact_match(["a  b"], [["a b"]]) == 0.0


def test_an_unknown_tokenizer_is_answered_with_the_list():
    with pytest.raises(UserError, match=r"tokenize: expected one of 13a, .*zh, got '13b'"):
        text_scores.bleu(["a"], [["a"]], tokenize="13b")


def test_a_tokenizer_whose_package_is_missing_is_answered_with_another(monkeypatch):
    def missing(*_):
        raise RuntimeError("Please install\nMeCab")

    monkeypatch.setattr(sacrebleu.BLEU, "_check_corpus_score_args", missing)
    with pytest.raises(UserError, match=r"'ja-mecab' cannot be used here \(.*install.*\); try '13a'"):
        text_scores.bleu(["a"], [["a"]], tokenize="ja-mecab")
