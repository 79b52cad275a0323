"""Step by step gives what training gives on the whole target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from keras import tree

from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, same

CLOSE = 5e-6
CUTS = ((3,), (1, 1, 1), (2, 1), (1, 2))


def look(subject: ModelSubject) -> Iterator[Statement]:
    """The whole target at once, token by token, and a prompt followed by tokens: logits, state and weights."""
    target, logits = subject.target(), subject.logits
    whole = subject.step(target, subject.encoded)
    for cuts in CUTS:
        state, position, pieces, weights = subject.encoded["state"], 0, [], []
        for length in cuts:
            given = {"memory": subject.encoded["memory"], "state": state}
            out = subject.step(target[:, position : position + length], given, position)
            state, position = out["state"], position + length
            pieces.append(out["logits"])
            weights.append(out["weights"])
        yield same(f"logits of training, in steps of {cuts}", np.concatenate(pieces, 1), logits, CLOSE)
        for one, other in zip(tree.flatten(state), tree.flatten(whole["state"]), strict=True):
            yield same(f"state after steps of {cuts}", one, other, CLOSE)
        for name, all_at_once in whole["weights"].items():
            joined = np.concatenate([piece[name] for piece in weights], 2)
            yield same(f"weights of {name} in steps of {cuts}", joined, all_at_once, CLOSE)
