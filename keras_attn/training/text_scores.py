"""BLEU, chrF and exact match of texts, 0 to 100; BLEU and chrF are sacreBLEU's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_attn.errors import UserError


def tokenizers() -> list[str]:
    """Return the names that sacreBLEU knows its tokenizers by."""
    from sacrebleu.metrics import BLEU

    return sorted(BLEU.TOKENIZERS)


def _streams(references: Sequence[Sequence[str]]) -> Any:
    """Return `most` lists of `n`, `None` where a source has fewer references: what sacreBLEU takes."""
    most = max(len(entry) for entry in references)
    return [[entry[i] if i < len(entry) else None for entry in references] for i in range(most)]


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
) -> tuple[float, str]:
    """Return corpus BLEU (0 to 100) and sacreBLEU's signature.

    Args:
        hypotheses: `n` strings; an empty one counts as no words.
        references: per hypothesis one or more strings.
        tokenize: sacreBLEU's tokenizer: "13a" for most languages, "zh" Chinese, "ja-mecab" Japanese,
            "ko-mecab" Korean, "char", "intl", "none" for text that is tokenized already.
        lowercase: compare without case.

    Raises:
        UserError: if there is no such tokenizer, or it needs a package that is not installed.

    Source: Papineni et al. 2002, https://aclanthology.org/P02-1040; Post 2018, https://arxiv.org/abs/1804.08771.

    >>> bleu(["the cat sat on it"], [["the cat sat on it"]])[0]
    100.0
    """
    from sacrebleu.metrics import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise UserError(f"tokenize: expected one of {', '.join(tokenizers())}, got {tokenize!r}")
    try:
        metric = BLEU(lowercase=lowercase, tokenize=tokenize, force=True)  # tokenized text is meant
        score = metric.corpus_score(list(hypotheses), _streams(references)).score
    # MeCab is an extra of sacreBLEU; the tokenizers made of SentencePiece are downloaded.
    except (ImportError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"tokenize: {tokenize!r} cannot be used here ({reason}); try '13a', 'intl' or 'char'"
        ) from error
    return min(float(score), 100.0), str(metric.get_signature())


def chrf(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, lowercase: bool = False
) -> tuple[float, str]:
    """Return corpus chrF2 (0 to 100) and its signature.

    The F-score of character 1- to 6-grams in which recall counts double.

    Source: Popović 2015, https://aclanthology.org/W15-3049.
    """
    from sacrebleu.metrics import CHRF

    metric = CHRF(lowercase=lowercase)
    score = metric.corpus_score(list(hypotheses), _streams(references)).score
    return min(float(score), 100.0), str(metric.get_signature())


def exact_match(hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, lowercase: bool = False) -> float:
    """Return how many in a hundred hypotheses equal one of their references, blanks at the ends aside.

    >>> exact_match(["a ", "b"], [["a"], ["c", "d"]])
    50.0
    """

    def form(text: str) -> str:
        return text.strip().lower() if lowercase else text.strip()

    right = sum(
        form(hypothesis) in {form(reference) for reference in entry}
        for hypothesis, entry in zip(hypotheses, references, strict=True)
    )
    return 100.0 * right / len(hypotheses)
