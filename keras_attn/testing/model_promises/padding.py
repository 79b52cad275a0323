"""More padding changes nothing, nor does the company a sentence is in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.testing.model_subject import ModelSubject
from keras_attn.testing.statement import Statement, same

CLOSE = 2e-6


def look(subject: ModelSubject) -> Iterator[Statement]:
    """Logits of words in longer batches, and of each sentence alone."""
    source, target, logits = subject.source(), subject.target(), subject.logits
    longer = {"source": np.pad(source, ((0, 0), (0, 4))), "target": np.pad(target, ((0, 0), (0, 2)))}
    yield same("logits in a longer batch", subject.train(longer)[:, : target.shape[1]], logits, CLOSE)
    for index in range(len(source)):
        source_length, target_length = (int((ids[index] != 0).sum()) for ids in (source, target))
        alone = {
            "source": source[index : index + 1, :source_length],
            "target": target[index : index + 1, :target_length],
        }
        found = subject.train(alone)[0]
        yield same(f"logits of sentence {index} alone", found, logits[index, :target_length], CLOSE)
