"""The dimensions of one tensor.

Sizes are primes, and no two dimensions of one specimen have the same, so that no transpose hides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIZES = {
    "batch": 2,
    "query_length": 3,
    "key_length": 5,
    "heads": 7,
    "units": 11,
    "features": 13,
    "key_features": 17,
    "embedding": 19,
    "below": 23,
    "hidden": 29,
    "query_features": 31,
    "height": 11,
    "width": 13,
    "channels": 17,
    "pixels": 143,  # height x width
    "quarter": 42,  # the same after both are halved, rounding up
    "rows": 3,
    "experts": 5,
    "one": 1,
}
LENGTHS = {"query_length": (3, 2), "key_length": (5, 3)}  # of the two examples: the second ends in padding
UNKNOWN = ("batch", "query_length", "key_length", "height", "width", "pixels", "quarter")


@dataclass(frozen=True)
class Spec:
    """The dimensions of one tensor, by name.

    Args:
        dimensions: names in `SIZES`, or numbers, separated by blanks.
        kind: "float"; "mask", boolean, True = may look; "weights", attention weights, whose last dimension is what is
            looked at and, of several, the one before who looks; or "positions", integers 0, 1, 2 ...
    """

    dimensions: str
    kind: str = "float"

    @property
    def names(self) -> list[str]:
        return self.dimensions.split()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sized()

    @property
    def open_shape(self) -> tuple[int | None, ...]:
        """The shape with batch, lengths, height and width unknown."""
        return tuple(None if name in UNKNOWN else size for name, size in zip(self.names, self.shape, strict=True))

    @property
    def mask(self) -> bool:
        return self.kind == "mask"

    @property
    def real(self) -> bool:
        return self.kind in ("float", "weights")

    @property
    def dtype(self) -> str | None:
        """None is the policy's."""
        return {"mask": "bool", "positions": "int32"}.get(self.kind)

    def sized(self, **sizes: int) -> tuple[int, ...]:
        """The shape, with other sizes for some dimensions."""
        sizes = {**SIZES, **sizes}
        return tuple(int(name) if name.isdigit() else sizes[name] for name in self.names)

    def draw(self, random: np.random.Generator, **sizes: int) -> np.ndarray:
        """Floats from a normal distribution; of a mask every second example ends in padding."""
        shape = self.sized(**sizes)
        if self.kind == "positions":
            return np.broadcast_to(np.arange(shape[-1], dtype="int32"), shape)
        if not self.mask:
            return random.normal(size=shape).astype("float32")
        size = shape[-1]
        lengths = np.where(np.arange(shape[0]) % 2, size - size // 2, size)
        batch_first = (-1, *[1] * (len(shape) - 1))
        mask = np.broadcast_to(np.arange(size) < lengths.reshape(batch_first), shape)
        if self.names[-2:] == ["query_length", "key_length"]:  # over pairs: nobody sees quite what another sees
            query, key = np.ogrid[: shape[-2], :size]
            mask = mask & ((query + 2 * key) % 3 != 1)
        return mask
