"""Optimizers whose update has several parts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


@functools.cache
def of_whole_updates(
    optimizer: type[keras.optimizers.Optimizer], total: Callable[[Sequence[Any]], list[Any]] | None = None
) -> Any:
    """Return a class of optimizers like the given one, for gradients that are accumulated or those of replicas.

    Keras moves its average of the weights on with every batch, also with those that only add to a gradient. Here it
    moves once for each update: for the other batches the share of the old average is 1. And Keras clips what each
    replica has and adds that up; here it is added up first.

    Args:
        optimizer: a class of Keras, such as `keras.optimizers.Adam`.
        total: adds gradients up over replicas, see `replicas.collectives`; None for one replica.
    """

    # mypy knows no class whose parent is an argument.
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

        def _clip_gradients(self, grads: Sequence[Any]) -> Any:
            return super()._clip_gradients(grads if total is None else total(grads))

        def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
            return super()._all_reduce_sum_gradients(grads_and_vars) if total is None else grads_and_vars

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "ema_momentum": self._share}

    Whole.__name__ = optimizer.__name__
    return Whole
