"""Seeds for the parts of a whole."""

from __future__ import annotations

import numpy as np


def seeds(seed: int | None, count: int) -> list[int | None]:
    """Of each part its own, as parts with one seed would drop the same places at every step.

    >>> seeds(3, 2) == seeds(3, 2), len({*seeds(3, 2), *seeds(4, 2)}), seeds(None, 2)
    (True, 4, [None, None])

    Args:
        seed: of the whole, not negative; None is left as it is.
        count: number of its parts.
    """
    if seed is None:
        return [None] * count
    return [int(one) for one in np.random.SeedSequence(seed).generate_state(count)]
