"""No output shorter than this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_attn.decoding.likeliest import NEVER
from keras_attn.decoding.request import Request
from keras_attn.errors import UserError, expect


@dataclass(frozen=True)
class MinimumLength:
    """No end token before the output has max(tokens, ceil(factor * source tokens)) tokens, the end token included.

    The sentence's limit goes before it: an output that is cut there has as many tokens as there may be.

    Args:
        tokens: fewest tokens.
        factor: fewest for each token of the source, its end token included; needs `Request.source_mask`.
        end: id of the end token.
    """

    tokens: int = 0
    factor: float = 0.0
    end: int = 3

    def __post_init__(self) -> None:
        expect(self.tokens >= 0, "tokens", "at least 0", self.tokens)
        expect(self.factor >= 0, "factor", "at least 0", self.factor)

    def __call__(self, scores: Any, ids: Any, position: Any, request: Request) -> Any:
        fewest = ops.full((ops.shape(scores)[0],), self.tokens, dtype="int32")
        if self.factor:
            if request.source_mask is None:
                raise UserError(
                    "source_mask: MinimumLength(factor=...) counts the source's tokens; give the search "
                    "Request(source_mask=source != 0), or set `tokens` alone"
                )
            source = ops.sum(ops.cast(request.source_mask, "float32"), axis=1)  # (rows,)
            # 0.6 * 25 is a little more than 15 in float32, and its ceiling should not be 16.
            fewest = ops.maximum(fewest, ops.cast(ops.ceil(self.factor * source - 1e-4), "int32"))
        early = ops.expand_dims(position + 1 < fewest, 1)
        is_end = ops.arange(scores.shape[-1], dtype="int32") == self.end
        return ops.where(ops.logical_and(early, is_end), NEVER, scores)
