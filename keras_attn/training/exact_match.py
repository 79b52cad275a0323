"""Share of exactly right outputs, as a score that training can watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from keras_attn.errors import UserError
from keras_attn.training import text_scores
from keras_attn.training.examples import Decode, decode_all, sources_and_references


class ExactMatch:
    """How many in a hundred outputs of `decode` equal one of their references, blanks at the ends aside.

    The arguments are those of `Bleu`, without the tokenizer.

    Attributes:
        name: "exact_match"; `val_exact_match` in the logs, 0 to 100.
        hypotheses: what the last call decoded.

    Raises:
        UserError: at once, if the examples cannot be used.

    >>> ExactMatch(lambda sources: ["1999-01-02", "?"], [("2 Jan 99", "1999-01-02"), ("x", "y")])()
    50.0
    """

    name = "exact_match"

    def __init__(
        self,
        decode: Decode,
        examples: Any,
        references: Iterable[str | Sequence[str]] | None = None,
        *,
        lowercase: bool = False,
        limit: int | None = None,
        batch_size: int | None = 64,
    ):
        if not callable(decode):
            raise UserError(f"decode: expected a callable from strings to strings, got {type(decode).__name__}")
        self.decode = decode
        self.sources, self.references = sources_and_references(examples, references, limit)
        self.lowercase, self.batch_size = lowercase, batch_size
        self.hypotheses: list[str] = []

    def __call__(self) -> float:
        self.hypotheses = decode_all(self.decode, self.sources, self.batch_size)
        return text_scores.exact_match(self.hypotheses, self.references, lowercase=self.lowercase)
