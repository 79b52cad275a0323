"""BLEU of decoded text, as a score that training can watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from keras_attn.errors import UserError
from keras_attn.training import text_scores
from keras_attn.training.examples import Decode, decode_all, sources_and_references


class Bleu:
    """Corpus BLEU (0 to 100) of what `decode` makes of the sources, by sacreBLEU.

    Args:
        decode: a list of strings in, a list of strings (or an object with `.text`) out.
        examples: `data.read_pairs(...)`, `(source, target)` or `(source, [target, ...])` pairs, or, with
            `references`, the sources.
        references: per source a string or a list of strings.
        tokenize: sacreBLEU's tokenizer, see `text_scores.bleu`.
        lowercase: compare without case.
        limit: score only the first so many sources.
        batch_size: sources per call of `decode`; None for all at once.

    Attributes:
        name: "bleu"; `val_bleu` in the logs.
        hypotheses: what the last call decoded.
        signature: sacreBLEU's, of the last call.

    Raises:
        UserError: at once, if the examples or the tokenizer cannot be used.

    >>> Bleu(lambda sources: sources, [("a cat sat on it", "a cat sat on it")])()
    100.0
    """

    name = "bleu"

    def __init__(
        self,
        decode: Decode,
        examples: Any,
        references: Iterable[str | Sequence[str]] | None = None,
        *,
        tokenize: str = "13a",
        lowercase: bool = False,
        limit: int | None = None,
        batch_size: int | None = 64,
    ):
        if not callable(decode):
            raise UserError(f"decode: expected a callable from strings to strings, got {type(decode).__name__}")
        self.decode = decode
        self.sources, self.references = sources_and_references(examples, references, limit)
        self.tokenize, self.lowercase, self.batch_size = tokenize, lowercase, batch_size
        self.hypotheses: list[str] = []
        self.signature = ""
        # A misspelt tokenizer should stop the run now, not after the first epoch.
        text_scores.bleu([""], [[""]], tokenize=tokenize, lowercase=lowercase)

    def __call__(self) -> float:
        self.hypotheses = decode_all(self.decode, self.sources, self.batch_size)
        score, self.signature = text_scores.bleu(
            self.hypotheses, self.references, tokenize=self.tokenize, lowercase=self.lowercase
        )
        return score
