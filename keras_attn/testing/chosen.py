"""The promises that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from keras_attn.testing.promise import Promise


def chosen(promises: Sequence[Promise], only: Collection[str]) -> list[Promise]:
    """Those named in `only`, or all.

    Raises:
        ValueError: there is no promise of that name.
    """
    names = [promise.name for promise in promises]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise ValueError(f"only: expected some of {', '.join(names)}, got {', '.join(unknown)}")
    return [promise for promise in promises if not only or promise.name in only]
