"""What comes back for strings, and how lists of strings are fed to a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_attn.budget import side_by_side
from keras_attn.errors import UserError
from keras_attn.text.cleaning import clean

Lengths = Callable[[Sequence[str]], Sequence[int]]

LOWEST = float(np.finfo("float32").min)  # what stands where a search found no more


def characters(lines: Sequence[str]) -> list[int]:
    """The length of each string in characters."""
    return [len(line) for line in lines]


@dataclass(frozen=True)
class Output:
    """One entry per input string: text, score (sum of log p, the end included), and whether the input was cut."""

    text: list[str]
    score: np.ndarray
    truncated: np.ndarray


@dataclass(frozen=True)
class Hypothesis:
    """One of several outputs for a string: as in `Output`, and the value that it was ranked by."""

    text: str
    score: float
    value: float
    truncated: bool = False


@dataclass(frozen=True)
class Alignment:
    """Where an output looked: weights (target_length, source_length), rows sum to one; the rest as in `Output`."""

    text: str
    source_tokens: list[str]
    target_tokens: list[str]
    weights: np.ndarray
    score: float = 0.0
    truncated: bool = False


def decode_strings(
    serve: Callable[[Any], dict], lines: Sequence[str], batch_size: int = 64, lengths: Lengths = characters
) -> Output:
    """Decode a list through a graph that takes a batch of strings.

    Args:
        serve: strings (batch,) -> {"text", "score", "truncated"}.
        lines: any number of strings; they are sorted by length, decoded in batches and put back in order.
        batch_size: sentences per call.
        lengths: strings -> how long each is; the nearer to what the model reads, the less is padded.
    """
    text = [""] * len(lines)
    score = np.zeros(len(lines), "float32")
    truncated = np.zeros(len(lines), bool)
    for chosen, out in _answers(serve, lines, batch_size, lengths):
        for row, index in enumerate(chosen):
            text[index] = out["text"][row].decode("utf-8", "replace")
        score[chosen] = out["score"]
        truncated[chosen] = out["truncated"]
    return Output(text, score, truncated)


def hypotheses_of_strings(
    serve: Callable[[Any], dict], lines: Sequence[str], batch_size: int = 64, lengths: Lengths = characters
) -> list[list[Hypothesis]]:
    """The same for all that a search finds, best first; as many as there are, at least one.

    Args:
        serve: strings (batch,) -> {"text", "score", "value"}, (batch, n) each, and {"truncated"}, (batch,).
    """
    result: list[list[Hypothesis]] = [[] for _ in lines]
    for chosen, out in _answers(serve, lines, batch_size, lengths):
        for row, index in enumerate(chosen):
            found = zip(*(out[name][row].tolist() for name in ("text", "score", "value")), strict=True)
            cut = bool(out["truncated"][row])
            every = [Hypothesis(text.decode("utf-8", "replace"), score, value, cut) for text, score, value in found]
            result[index] = [each for each in every if each.value > LOWEST] or every[:1]
    return result


def align_strings(
    align: Callable[[Any], dict], lines: Sequence[str], batch_size: int = 64, lengths: Lengths = characters
) -> list[Alignment]:
    """The same for alignments; padding is cropped.

    Args:
        align: strings (batch,) -> what `serve` gives and {"alignment", "source_tokens", "target_tokens"}; padding
            tokens are "".
    """
    result: list[Alignment | None] = [None] * len(lines)
    for chosen, out in _answers(align, lines, batch_size, lengths):
        for row, index in enumerate(chosen):
            source = [token.decode("utf-8", "replace") for token in out["source_tokens"][row] if token]
            target = [token.decode("utf-8", "replace") for token in out["target_tokens"][row] if token]
            weights = out["alignment"][row, : len(target), : len(source)]
            more: dict[str, Any] = {"score": float(out["score"][row]), "truncated": bool(out["truncated"][row])}
            result[index] = Alignment(out["text"][row].decode("utf-8", "replace"), source, target, weights, **more)
    return result  # type: ignore[return-value]  # every index was in one batch


def _answers(
    ask: Callable[[Any], dict], lines: Sequence[str], batch_size: int, lengths: Lengths
) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
    """For each batch which lines it has and what comes back, in the order of the batches."""
    batches = list(_batches(lines, batch_size, lengths))

    def answer(batch: tf.Tensor) -> dict[str, np.ndarray]:
        return {name: tensor.numpy() for name, tensor in ask(batch).items()}

    yield from zip(
        (chosen for chosen, _ in batches), side_by_side(answer, [batch for _, batch in batches]), strict=True
    )


def _batches(lines: Sequence[str], batch_size: int, lengths: Lengths) -> Iterator[tuple[list[int], tf.Tensor]]:
    if isinstance(lines, str):
        raise UserError(f"lines: expected a list of strings, got the string {lines[:40]!r}; put it in a list")
    order = list(range(len(lines)))
    if len(lines) > batch_size:
        size = lengths(lines)
        order.sort(key=lambda index: -size[index])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield chosen, tf.constant([clean(lines[index]).encode() for index in chosen])
