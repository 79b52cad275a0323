"""Which numbers dropout keeps, from a hash of their place: a few integer operations that a compiler fuses."""

from __future__ import annotations

from typing import Any

from keras import ops

GOLDEN = -1640531527  # 2^32 / golden ratio, odd; as are the two below, 32 bits with a sign
FIRST, SECOND = 569420461, 1935289751


def dropout(x: Any, rate: float, seed: Any) -> Any:
    """x / (1 - rate) where a number drawn for the place is at least `rate`, else 0.

    The number is a hash of the place and the seed. A generator of random numbers is the better source of them and the
    slower one: in a step compiled by XLA, 22 dropouts over (200, 20, 128) took 54 ms with Keras' and 1.1 ms with this
    (2 cores, 2026-11-20), as nothing but the result is ever written to memory.

    Args:
        x: floats of any shape, less than 2^32 of them.
        rate: probability that a number is set to zero, 0 to below 1, to the nearest 2^-32.
        seed: (2,) integers, what `keras.random.SeedGenerator.next()` gives.

    Returns:
        Of the shape and dtype of `x`.

    Source: Srivastava et al. 2014, "Dropout"; the hash: Wellons 2018, "Prospecting for Hash Functions" (lowbias32).
    """
    shape = ops.shape(x)
    count = 1
    for size in shape:
        count = count * size
    first, second = _keys(ops.cast(seed, "int32"))
    place = ops.arange(count, dtype="int32")
    # Numbers over the whole range of 32 bits with a sign.
    number = _mix(_mix(ops.bitwise_xor(place, first), FIRST) + second, SECOND)
    keep = ops.reshape(number, shape) >= int(rate * 2**32) - 2**31
    return ops.where(keep, x * ops.cast(1 / (1 - rate), x.dtype), ops.zeros_like(x))


def _keys(seed: Any) -> tuple[Any, Any]:
    """Two numbers far from those of the seed beside it."""
    one = _mix(_mix(seed[0] * GOLDEN + seed[1], FIRST), SECOND)
    return one, _mix(_mix(one + seed[1] * GOLDEN, FIRST), SECOND)


def _mix(x: Any, factor: int) -> Any:
    x = ops.bitwise_xor(x, _shifted(x, 16)) * factor
    return ops.bitwise_xor(x, _shifted(x, 15))


def _shifted(x: Any, bits: int) -> Any:
    """To the right, zeros coming in, which a shift of numbers with a sign would not do."""
    return ops.bitwise_and(ops.right_shift(x, bits), 2 ** (32 - bits) - 1)
