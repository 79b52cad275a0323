"""Devices and workers for the command line."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import keras

from keras_attn.errors import UserError, expect
from keras_attn.training.replicas.replicas import read_config


def several(devices: int = 1) -> contextlib.AbstractContextManager:
    """The scope in which to make a model that several devices, or the workers of TF_CONFIG, train together.

    With TensorFlow a `MirroredStrategy` over so many GPUs, or over so many parts of the CPU where there are none, and a
    `MultiWorkerMirroredStrategy` where TF_CONFIG names several workers; with JAX `keras.distribution.DataParallel`, for
    the rest of the process. It is to be called before anything else uses the devices, and `fit` after the scope. One
    device of one worker needs nothing.

    Args:
        devices: of this process; all workers must have as many.

    Raises:
        UserError: there are not so many, or the backend has nothing of the kind.
    """
    expect(devices >= 1, "devices", "at least 1", devices)
    backend, (workers, _) = keras.backend.backend(), read_config()
    if devices == workers == 1:
        return contextlib.nullcontext()
    if backend == "tensorflow":
        return _strategy(devices, workers).scope()
    if workers > 1:
        raise UserError(f"TF_CONFIG: {workers} workers need KERAS_BACKEND=tensorflow, got {backend}")
    expect(backend == "jax", "devices", f"1 on the {backend} backend, which has no way to share batches", devices)
    there = keras.distribution.list_devices()
    wanted = f"at most {len(there)}, as many as JAX has (XLA_FLAGS=--xla_force_host_platform_device_count=N makes more)"
    expect(devices <= len(there), "devices", wanted, devices)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=there[:devices], auto_shard_dataset=False)
    )
    return contextlib.nullcontext()


def is_chief() -> bool:
    """Whether this process is the worker that writes files, by TF_CONFIG."""
    return read_config()[1] == 0


def _strategy(devices: int, workers: int) -> Any:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    kind = "GPU" if gpus else "CPU"
    if gpus:
        expect(devices <= len(gpus), "devices", f"at most {len(gpus)}, as many as there are GPUs", devices)
    elif devices > 1:
        wanted = (
            f"1 of each of {workers} workers without GPUs, of which TensorFlow takes one CPU each; start more workers"
        )
        expect(workers <= 1, "devices", wanted, devices)
        _split_cpu(devices)
    names = [f"{kind}:{number}" for number in range(devices)]
    if workers <= 1:
        return tf.distribute.MirroredStrategy(names)
    if gpus:
        tf.config.set_visible_devices(gpus[:devices], "GPU")
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"TF_CONFIG: {os.environ.get('TF_CONFIG')!r} cannot be used ({error})") from error


def _split_cpu(devices: int) -> None:
    """Make several devices of the CPU, which can be done once in a process."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) == devices:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    except RuntimeError as error:
        raise UserError(f"devices: expected 1, as the CPU is in use already ({error}), got {devices}") from error
