"""The glossary of dimensions, and one readable check.

| name | what it counts | einsum letter |
|---|---|---|
| `batch` | sentences worked on together | b |
| `query_length` | positions that look (`target_length` in a decoder) | q |
| `key_length` | positions looked at (`source_length` in a decoder) | k |
| `heads`, `head_dim` | attention heads and the width of one | h, d |
| `features` | width of what enters a layer | f |
| `units` | width of what leaves a layer | u |
| `vocabulary` | number of token ids | v |

A mask is boolean, True = may look.
"""

from __future__ import annotations

from typing import Any


def check(tensor: Any, dimensions: str, name: str, **sizes: int) -> None:
    """Raise if `tensor` does not have these dimensions.

    Args:
        tensor: anything with a `shape`; an unknown size (None) agrees with everything.
        dimensions: names separated by blanks, such as `"batch key_length features"`.
        name: the argument's name, for the message.
        sizes: known sizes by dimension name.

    Raises:
        ValueError: the rank or one of the given sizes differs.

    >>> import numpy as np
    >>> check(np.zeros((2, 5, 11)), "batch key_length features", "value", features=11)
    >>> check(np.zeros((2, 5)), "batch key_length features", "value")
    Traceback (most recent call last):
    ...
    ValueError: `value` must have shape (batch, key_length, features); it came with shape (2, 5).
    """
    names = dimensions.split()
    shape = tuple(tensor.shape)
    wanted = ", ".join(f"{n}={sizes[n]}" if n in sizes else n for n in names)
    agrees = len(shape) == len(names) and all(
        size is None or n not in sizes or size == sizes[n] for n, size in zip(names, shape, strict=True)
    )
    if not agrees:
        raise ValueError(f"`{name}` must have shape ({wanted}); it came with shape {shape}.")
