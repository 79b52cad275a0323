"""Tables over distances that are plain numbers: T5's buckets and ALiBi's slopes."""

from __future__ import annotations

import math

import numpy as np


def buckets(count: int, farthest: int, bidirectional: bool) -> np.ndarray:
    """Which bucket the distance key_position - query_position falls into: near ones alone, far ones together.

    Half of the buckets of a direction hold one distance each, the others grow logarithmically up to `farthest`, and
    the last one holds all that is farther. With `bidirectional` keys behind have one half of the buckets and keys
    ahead the other; without, keys ahead share bucket 0 with distance 0.

    Args:
        count: number of buckets.
        farthest: distance at which the last bucket is full.

    Returns:
        (2 farthest + 1,) integers, for the distances -farthest ... farthest.

    Source: Raffel et al. 2020, section 2.1, and `_relative_position_bucket` in T5's code.

    >>> buckets(8, 8, bidirectional=False).tolist()
    [7, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    each = count // 2 if bidirectional else count
    exact = each // 2
    # log(n / exact) / log(farthest / exact) * (each - exact) >= j, in integers, where nothing is rounded.
    ends = range(1, each - exact)
    power = each - exact

    def bucket(n: int) -> int:
        if n < exact:
            return n
        return exact + sum(n**power * exact**j >= farthest**j * exact**power for j in ends)

    near = [bucket(n) for n in range(farthest + 1)]
    ahead = [each + number for number in near[1:]] if bidirectional else [0] * farthest
    return np.array(near[:0:-1] + near[:1] + ahead, "int32")


def slopes(heads: int) -> np.ndarray:
    """m_h = 2^(-8h / heads) for h = 1 ... heads, if their number is a power of two.

    If not: those of the next lower power n, then every other one of 2n, until there are enough.

    Returns:
        (heads,) float64.

    Source: Press et al. 2022, section 3, and `get_slopes` in the paper's code.

    >>> slopes(8).tolist()
    [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]
    """
    power = 2 ** int(math.log2(heads))
    geometric = 2.0 ** (-8 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-8 * np.arange(1, 2 * power, 2) / (2 * power))
    return np.concatenate([geometric, between[: heads - power]])
