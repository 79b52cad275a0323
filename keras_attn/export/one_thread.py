"""Graphs whose operations run one after another in the thread that calls them.

A step of a search has some 500 operations of a few microseconds each, and to hand them from thread to thread costs as
much. One thread for a batch, and several batches side by side, decode 1,000 sentences greedily in 0.76 in the place of
1.01 s (two cores, 2026-11-29). What can be shared out inside of an operation still is.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

EXECUTOR = "SINGLE_THREADED_EXECUTOR"


def one_thread() -> contextlib.AbstractContextManager[Any]:
    """Trace or call graphs for one thread; where there is a GPU, which works beside the CPU, nothing changes."""
    if tf.config.list_physical_devices("GPU"):
        return contextlib.nullcontext()
    return tf.experimental.function_executor_type(EXECUTOR)


def graph(*signature: Any) -> Callable[[Callable], Any]:
    """A `tf.function` of these arguments, or of any if none is given, that may run in one thread.

    It need not: loops stay whole operations, which every executor can do, a session of TensorFlow Serving as well. This
    executor cannot do those that TensorFlow takes apart otherwise.
    """

    def decorate(function: Callable) -> Any:
        @functools.wraps(function)
        def traced(*args: Any) -> Any:
            with one_thread():
                return function(*args)

        return tf.function(traced, input_signature=signature or None, autograph=False)

    return decorate
