"""Nobody sees the future."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from keras import tree

from keras_attn.testing.arrays import replaced
from keras_attn.testing.not_applicable import needs
from keras_attn.testing.spec import Spec
from keras_attn.testing.statement import Statement, holds, said, same
from keras_attn.testing.subject import Subject

LENGTHS = ("query_length", "key_length")


def look(subject: Subject) -> Iterator[Statement]:
    """What changes at position t changes nothing before t, and something from t on."""
    masked = subject.specimen.options.get("use_causal_mask", False)
    needs(masked or "causal" in subject.claims, "not claimed")
    arrays, before, moved = subject.arrays(), tree.flatten(subject.outputs()), False
    masked_lengths = {name for mask in subject.masks.values() for name in mask.names}
    for path, spec in subject.leaves:
        axis = _time(spec)
        if axis is None or not (masked or path == subject.first[0]):
            continue
        array = dict(tree.flatten_with_path(arrays))[path]
        where = " ".join(map(str, path))
        for time in range(1, array.shape[axis]):
            other = array.copy()
            other[(slice(None),) * axis + (time,)] += 1
            after = tree.flatten(subject.ask(replaced(arrays, path, other)))
            for (_, out), old, new in zip(subject.results, before, after, strict=True):
                later = _time(out)
                if later is not None:
                    past = range(min(time, old.shape[later]))
                    what = f"{out.dimensions} before position {time} of `{where}` changed"
                    yield same(what, np.take(new, past, later), np.take(old, past, later))
                moved = moved or bool((np.abs(new - old) > 1e-3).any())
            if not masked and spec.names[axis] not in masked_lengths:
                change = _at(subject, spec.names[axis], time, before, after)
                yield holds(
                    f"change at position {time} of `{where}`, which changed", change > 1e-3, change, "above 0.001"
                )
    yield said("a later change", "changed something" if moved else "changed nothing", "changed something")


def _at(subject: Subject, name: str, time: int, before: list, after: list) -> np.ndarray:
    """How much some output along this dimension changed at position `time`, (batch,)."""
    changes = [np.zeros(before[0].shape[0])]
    for (_, out), old, new in zip(subject.results, before, after, strict=True):
        axis = _time(out)
        if axis is not None and out.names[axis] == name:
            changes.append(np.abs(new - old).take(time, axis).reshape(old.shape[0], -1).max(-1))
    return np.max(changes, 0)


def _time(spec: Spec) -> int | None:
    """The axis of time: the first that is a length."""
    axes = [axis for axis, name in enumerate(spec.names) if name in LENGTHS]
    return axes[0] if axes and spec.real else None
