"""What replicas and workers tell each other, under `tf.distribute`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def total(tensors: Sequence[Any]) -> list[Any]:
    """The sum over replicas of each tensor, dense; called by all of them inside a step, with as many tensors."""
    import tensorflow as tf

    dense = [
        tf.identity(tf.convert_to_tensor(tensor)) for tensor in tensors
    ]  # on this device: a variable that is read says no device
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, dense)


def from_chief(strategy: Any, chief: bool, data: bytes) -> bytes:
    """Return on all workers what the chief has; the others' data does not matter.

    Args:
        strategy: a `tf.distribute.MultiWorkerMirroredStrategy`.
        chief: whether this worker is it.
        data: any bytes.
    """
    length = int(sum_over_workers(strategy, np.array([len(data) if chief else 0], np.int64))[0])
    words = np.zeros(-(-length // 4), np.int32)  # sums of numbers of one worker and zeros are exact
    if chief:
        words.view(np.uint8)[:length] = np.frombuffer(data, np.uint8)
    return sum_over_workers(strategy, words).tobytes()[:length] if length else b""


def sum_over_workers(strategy: Any, array: np.ndarray) -> np.ndarray:
    """Add up what workers have, int32 or int64; called by all of them, outside a step."""
    import tensorflow as tf

    return strategy.experimental_local_results(_summing(strategy)(tf.constant(array)))[0].numpy()


@functools.cache
def _summing(strategy: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    here = len(strategy.extended.worker_devices)

    @tf.function(reduce_retracing=True)
    def summed(tensor: Any) -> Any:
        def one() -> Any:
            """The first replica of each worker has the array, further ones zeros."""
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group % here == 0
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(first, tensor, tf.zeros_like(tensor)))

        return strategy.run(one)

    return summed
