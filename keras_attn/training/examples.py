"""Sources, their references and what a decoder makes of them: the one way all scores take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from keras_attn.errors import UserError

Decode = Callable[[list[str]], Any]
"""Strings in, strings out: a list of equal length, or an object that has such a list as `.text`."""


def sources_and_references(
    examples: Any, references: Iterable[str | Sequence[str]] | None = None, limit: int | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return `n` sources and for each a list of one or more references.

    Args:
        examples: with `references`, the sources. Without, either an object with a method `references()` that
            returns both (as what `data.read_pairs` gives), or an iterable of `(source, target)` or
            `(source, [target, ...])`.
        references: per source a string or a list of strings; their number may differ.
        limit: keep only the first so many.

    Raises:
        UserError: if nothing is left, lengths differ, or a source has no reference.

    >>> sources_and_references([("a", "b"), ("c", ["d", "e"])])
    (['a', 'c'], [['b'], ['d', 'e']])
    """
    if references is None:
        if hasattr(examples, "references"):
            examples, references = examples.references()
        else:
            pairs = list(examples)
            if any(isinstance(pair, str) or len(pair) != 2 for pair in pairs):
                raise UserError("examples: expected (source, target) pairs; give `references` if these are sources")
            examples, references = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for name, value in (("sources", examples), ("references", references)):
        if isinstance(value, str):
            raise UserError(f"{name}: expected a list of strings, got one string; put it into a list")
    sources = list(examples)
    lists = [[entry] if isinstance(entry, str) else list(entry) for entry in references or ()]
    if len(sources) != len(lists):
        raise UserError(f"references: expected one entry per source, got {len(lists)} for {len(sources)} sources")
    if limit is not None:
        if limit < 1:
            raise UserError(f"limit: expected at least 1 or None for all, got {limit}")
        sources, lists = sources[:limit], lists[:limit]
    if not sources:
        raise UserError("sources: expected at least one, got none; is the file empty?")
    for i, (source, entry) in enumerate(zip(sources, lists, strict=True)):
        if not isinstance(source, str):
            raise UserError(f"sources: expected strings, got {type(source).__name__} at index {i}")
        if not entry or not all(isinstance(reference, str) for reference in entry):
            raise UserError(f"references: expected one or more strings for every source, got {entry} at index {i}")
    return sources, lists


def decode_all(decode: Decode, sources: Sequence[str], batch_size: int | None = 64) -> list[str]:
    """Return one hypothesis per source, in order.

    Sources are decoded in batches of similar length, which wastes little on padding; longest first, so that a
    lack of memory shows at once. `batch_size=None` hands all sources over in one call.

    Raises:
        UserError: if `decode` does not return one string per source.
    """
    if batch_size is not None and batch_size < 1:
        raise UserError(f"batch_size: expected at least 1 or None for all at once, got {batch_size}")
    order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
    hypotheses = [""] * len(sources)
    size = batch_size or max(1, len(order))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        output = decode([sources[i] for i in chosen])
        texts = getattr(output, "text", output)
        texts = list(texts) if isinstance(texts, Iterable) and not isinstance(texts, str) else [texts]
        if len(texts) != len(chosen) or not all(isinstance(text, str) for text in texts):
            kinds = ", ".join(sorted({type(text).__name__ for text in texts})) or "nothing"
            raise UserError(f"decode: expected {len(chosen)} strings for as many sources, got {len(texts)} ({kinds})")
        for i, text in zip(chosen, texts, strict=True):
            hypotheses[i] = text
    return hypotheses
