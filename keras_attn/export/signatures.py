"""What an exported model can be asked: names, shapes and dtypes, the same for a session, REST and gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BEST = {
    "text": "(batch,) string: the best output",
    "score": "(batch,) float32: its log p, the end included",
    "truncated": "(batch,) bool: whether the input was longer than the model reads, and cut",
}


@dataclass(frozen=True)
class Signature:
    """One question.

    Args:
        function: of `TextGraph`.
        says: what it is for, in a line.
        inputs, outputs: name: shape, dtype and meaning. All have the batch first, as TF Serving's row format needs.
    """

    function: str
    says: str
    inputs: dict[str, str]
    outputs: dict[str, str]


TEXT = {"text": "(batch,) string: UTF-8; other bytes are read as U+FFFD"}

SIGNATURES = {
    "serving_default": Signature("serve", "Decode.", TEXT, BEST),
    "align": Signature(
        "serve_alignment",
        "Decode, and say where each output token looked.",
        TEXT,
        {
            **BEST,
            "alignment": "(batch, target_length, source_length) float32: rows sum to 1, those of padding to 0",
            "source_tokens": '(batch, source_length) string: what was read, the end included; padded with ""',
            "target_tokens": '(batch, target_length) string: what was written, the end included; padded with ""',
        },
    ),
    "n_best": Signature(
        "serve_hypotheses",
        "Several outputs, best first.",
        TEXT,
        {
            "text": '(batch, n) string: "" where there are fewer',
            "score": "(batch, n) float32: log p of each; the lowest float32 where there are fewer",
            "value": "(batch, n) float32: what they are ranked by, the score and the penalties of the search",
            "truncated": BEST["truncated"],
        },
    ),
    "score": Signature(
        "serve_score",
        "How likely a given target is.",
        {
            "source": "(batch,) string",
            "target": "(batch,) string: one for each source",
        },
        {
            "log_probability": "(batch,) float32: log p(target | source), the end included",
            "token_log_probabilities": "(batch, target_length) float32: of each token, in order; padded with 0",
            "target_tokens": '(batch, target_length) string: the tokens, the end included; padded with ""',
            "truncated": "(batch,) bool: whether source or target was longer than the model reads, and cut",
        },
    ),
    "tokenize": Signature(
        "serve_tokens",
        "The tokens of a source, all of them.",
        TEXT,
        {
            "tokens": '(batch, source_length) string: "▁" is a space; padded with ""',
            "ids": "(batch, source_length) int32: padded with 0",
        },
    ),
    "detokenize": Signature(
        "serve_text",
        "The text of a target's ids.",
        {"ids": "(batch, target_length) int32: up to the first 3, which is the end; 0 is padding"},
        {"text": "(batch,) string"},
    ),
}


def functions(module: Any) -> dict[str, Any]:
    """The TensorFlow function of each signature, of a `TextGraph`."""
    return {name: getattr(module, signature.function) for name, signature in SIGNATURES.items()}
