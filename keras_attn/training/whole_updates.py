"""Optimizers whose update has several parts."""

from __future__ import annotations

import functools
from typing import Any

import keras
from keras import ops


@functools.cache
def of_whole_updates(optimizer: type[keras.optimizers.Optimizer]) -> Any:
    """Return a class of optimizers like the given one, for gradients that are accumulated.

    Keras moves its average of the weights on with every batch, also with those that only add to a gradient. Here it
    moves once for each update: for the other batches the share of the old average is 1.

    Args:
        optimizer: a class of Keras, such as `keras.optimizers.Adam`.
    """

    class Whole(optimizer):  # type: ignore[misc, valid-type]
        @property
        def ema_momentum(self) -> Any:
            steps = self.gradient_accumulation_steps
            if not steps or not self.built:
                return self._share
            return ops.where(ops.equal((self._iterations + 1) % steps, 0), self._share, 1.0)

        @ema_momentum.setter
        def ema_momentum(self, share: float) -> None:
            self._share = share

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "ema_momentum": self._share}

    Whole.__name__ = optimizer.__name__
    return Whole
