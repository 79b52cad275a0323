"""What may not be seen does not learn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.testing import masks
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.promises.learning import of
from keras_attn.testing.statement import Statement, holds
from keras_attn.testing.subject import Subject


def look(subject: Subject) -> Iterator[Statement]:
    """No gradient reaches keys and values that nobody may see; those that are seen receive one."""
    needs(subject.masks, "no mask among the arguments")
    rule = masks.rule(subject.specimen)
    may = subject.visible(subject.arrays(), rule)  # (batch, ..., key_length)
    seen = may.any(tuple(range(1, may.ndim - 1)))  # (batch, key_length)
    needs(not seen.all(), "nothing is hidden from everybody")
    name, path = rule.names[-1], masks.context(subject.specimen)
    only_read = all(where == path or spec.kind == "weights" for where, spec in subject.results)
    for where, gradient in of(subject)[0].items():
        spec = dict(subject.leaves)[where]
        itself = where == subject.first[0] and (not only_read or "more than context" in subject.claims)
        if spec.names[0] != "batch" or name not in spec.names or itself or name in rule.names[:-1]:
            continue
        axis = spec.names.index(name)
        size = np.abs(gradient).max(tuple(i for i in range(gradient.ndim) if i not in (0, axis)))  # (batch, key_length)
        of_what = f"size of the gradient of {'.'.join(map(str, where))}"
        yield holds(f"{of_what} where nobody may look", (size == 0) | seen, size, "0")
        if "positive" in subject.claims:
            yield holds(f"{of_what} where somebody may look", (size > 0) | ~seen, size, "above 0")
