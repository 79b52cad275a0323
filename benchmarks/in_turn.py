"""Timing functions in turn, for the benchmarks of layers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def function(layer: keras.layers.Layer, call: Callable, backward: bool, jit: bool) -> Callable:
    """The call as a graph; with `backward` it gives all gradients."""

    def run(*inputs: tf.Tensor) -> Any:
        if not backward:
            return call(layer, *inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.add_n([tf.reduce_mean(tensor**2) for tensor in tf.nest.flatten(call(layer, *inputs))])
        return tape.gradient(total, [*inputs, *(variable.value for variable in layer.trainable_variables)])

    return tf.function(run, jit_compile=jit, autograph=False)


def timed(run: Callable, inputs: list[tf.Tensor]) -> float:
    """Milliseconds until the last result is there."""
    begun = time.perf_counter()
    for tensor in tf.nest.flatten(run(*inputs)):
        if tensor is not None:
            tensor.numpy() if tensor.shape.rank == 0 else tensor[:1].numpy()
    return 1000 * (time.perf_counter() - begun)


def in_turn(runs: dict[Any, tuple[Callable, list[tf.Tensor]]], rounds: int) -> dict[Any, list[float]]:
    """Times of all runs, taken round by round, each round in another order."""
    for run, inputs in runs.values():
        timed(run, inputs)
        timed(run, inputs)
    times: dict[Any, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for _ in range(rounds):
        for name in order:
            times[name].append(timed(*runs[name]))
        order = order[1:] + order[:1]
    return times
