"""What is wanted of each sentence of a batch, beside its memory."""

from __future__ import annotations

from typing import Any, NamedTuple


class Request(NamedTuple):
    """What a search is told of each sentence; every field has the batch first and may be left out.

    Args:
        source_mask: (batch, source_length) booleans, True where the source has a token. `CoveragePenalty` and a minimum
            length that depends on the source need it.
        prefix: (batch, prefix_length) ids the output begins with, each row as long as it likes and padded. It outranks
            every rule, as it was asked for; what goes beyond the sentence's limit is cut.
        phrases: (batch, count, phrase_length) ids, padded: phrases that `ConstrainedBeam` puts into the output.
        limit: (batch,) the most tokens to put out, besides `max_length`. Where a search is compiled for fixed shapes,
            as on JAX, `max_length` is an int and the sentences' own limits stand here.
    """

    source_mask: Any = None
    prefix: Any = None
    phrases: Any = None
    limit: Any = None


NOTHING = Request()
