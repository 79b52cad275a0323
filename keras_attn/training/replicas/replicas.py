"""Who trains a model together."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_attn.errors import UserError, expect
from keras_attn.training.replicas import collectives
from keras_attn.training.replicas.replicated import Replicated


@dataclass(frozen=True)
class Replicas:
    """The replicas of a model: one for each device, in one process or in several workers.

    All go through the same batches. Replica r of R has the rows r, r + R, ... of each (`data.Parts`), gradients are
    added up, and since weights are shares of the labels of the whole update, the sum is the gradient of one process.

    Args:
        count: R, in all workers together.
        mine: those of this process; None where one program computes for all (JAX).
        worker, workers: this process, counted from 0, and how many there are. Worker 0, the chief, alone touches files.
        strategy: of `tf.distribute`; None without.
    """

    count: int = 1
    mine: tuple[int, ...] | None = None
    worker: int = 0
    workers: int = 1
    strategy: Any = None

    @classmethod
    def of(cls, model: keras.Model) -> Replicas:
        """Find out from where a model was made.

        Raises:
            UserError: something was set up that this backend would silently not do.
        """
        backend, layout = keras.backend.backend(), keras.distribution.distribution()
        if backend != "tensorflow" and read_config()[0] > 1:
            raise UserError(
                f"TF_CONFIG: names {read_config()[0]} workers, but on the {backend} backend each would train alone; "
                "take KERAS_BACKEND=tensorflow, or unset it"
            )
        if backend == "jax":
            return cls(1 if layout is None else _data_parallel(layout))
        if layout is not None:
            raise UserError(
                f"keras.distribution: a {type(layout).__name__} was set, which does nothing on the {backend} backend; "
                "take KERAS_BACKEND=jax, or with TensorFlow a strategy of tf.distribute (`devices`, TF_CONFIG)"
            )
        return cls._of_strategy(model) if backend == "tensorflow" else cls()

    @classmethod
    def _of_strategy(cls, model: Any) -> Replicas:
        import tensorflow as tf

        strategy = model.distribute_strategy
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        workers, worker = read_config() if several else (1, 0)
        if model._distribute_strategy is None and tf.distribute.has_strategy():
            raise UserError("views: made outside the scope of the strategy that is to train them; make them inside")
        if workers > 1 and tf.distribute.has_strategy():  # saving weights makes variables, which all workers must make
            raise UserError("fit: called inside the scope of the strategy; make views inside, and call it outside")
        if read_config()[0] > 1 and workers == 1:
            raise UserError(
                f"TF_CONFIG: names {read_config()[0]} workers, but the views were not made in the scope of a "
                "MultiWorkerMirroredStrategy, so each would train alone; make them in one, or unset TF_CONFIG"
            )
        count = strategy.num_replicas_in_sync
        if count == 1:
            return cls()
        if not isinstance(strategy, tf.distribute.MirroredStrategy) and not several:
            raise UserError(
                f"strategy: expected a MirroredStrategy or MultiWorkerMirroredStrategy, got {type(strategy).__name__}"
            )
        here = count // workers
        return cls(count, tuple(range(worker * here, (worker + 1) * here)), worker, workers, strategy)

    @property
    def chief(self) -> bool:
        return self.worker == 0

    @property
    def total(self) -> Callable[..., Any] | None:
        """Adds gradients up, inside a step; None if there is nothing to add."""
        return None if self.strategy is None else collectives.total

    def scope(self) -> contextlib.AbstractContextManager:
        """Where variables are made."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def length(self, batches: Any) -> int:
        """How many batches a dataset has, of which each comes in parts."""
        return len(batches) // len(self.mine or (0,))

    def model(self, model: keras.Model, batches: Any) -> keras.Model:
        """The model to compile and fit: the same one, or under `tf.distribute` another over the same layers.

        Args:
            model: a functional model.
            batches: a dataset, for the types of its batches.
        """
        if self.strategy is None:
            return model
        with self.strategy.scope():
            replicated = Replicated(model.input, model.output)
        replicated.workers = self.workers
        inputs, labels, weights = batches.element_spec
        batch = {name: _type(leaf, name) for name, leaf in inputs.items()}, _type(labels), _type(weights)
        replicated.batch = lambda: batch  # a dict would become one of Keras' own kind, of which it warns later
        return replicated

    def deal(self, batches: Any) -> Any:
        """A dataset of which this process has its own part, as Keras takes it."""
        if self.strategy is None:
            return batches
        return self.strategy.distribute_datasets_from_function(lambda context: batches)

    def deal_whole(self, batches: Any) -> tuple[Any, int | None]:
        """Deal out whole batches of a finite dataset, and empty ones until all replicas have as many.

        Where one program computes for all, each batch is filled up until replicas have as many rows.

        Returns:
            The dataset, and how many batches each has, None for all.
        """
        if self.strategy is None:
            return batches.map(self._filled), None
        here, rounds = len(self.mine or (0,)), -(-len(batches) // self.count)

        def emptied(inputs: Any, labels: Any, weights: Any) -> Any:
            return inputs, labels, weights * 0

        filled = batches.concatenate(batches.repeat().take(rounds * self.count - len(batches)).map(emptied))
        mine = filled.enumerate().filter(lambda number, _: number % self.count // here == self.worker)
        return self.deal(mine.map(lambda _, batch: batch)), rounds

    def _filled(self, inputs: Any, labels: Any, weights: Any) -> Any:
        import tensorflow as tf

        def more(part: Any) -> Any:
            return tf.concat([part, tf.repeat(part[-1:], -tf.shape(part)[0] % self.count, axis=0)], axis=0)

        rows = tf.shape(weights)[0]
        inputs, labels, weights = tf.nest.map_structure(more, (inputs, labels, weights))
        real = tf.cast(tf.range(tf.shape(weights)[0]) < rows, weights.dtype)
        return inputs, labels, weights * real[:, None]

    def asked(self, score: Callable[[], float]) -> Callable[[], float]:
        """A score that the chief alone makes."""
        if self.workers == 1:
            return score
        return lambda: float(self.tell(lambda: repr(float(score())).encode()))

    def agree(self, answer: bool) -> bool:
        """The chief's answer, as clocks differ."""
        if self.workers == 1:
            return answer
        with self.losses_told():
            return bool(collectives.sum_over_workers(self.strategy, np.array([answer and self.chief], np.int32))[0])

    def check_same(self, name: str, value: str) -> None:
        """Raise unless this worker has what the chief has.

        Raises:
            UserError: it has something else.
        """
        told = self.tell(value.encode).decode()
        expect(told == value, name, f"{told}, as the chief has", value)

    def same_weights(self, model: keras.Model) -> None:
        """Leave all workers with the weights that the chief was left with."""
        if self.workers > 1:
            model.set_weights(pickle.loads(self.tell(lambda: pickle.dumps(model.get_weights()))))

    @contextlib.contextmanager
    def losses_told(self) -> Iterator[None]:
        """Make the error of a worker that has lost another one that the user can mend.

        Raises:
            UserError: a worker cannot be reached any more.
        """
        if self.workers == 1:
            yield
            return
        import tensorflow as tf

        gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
        try:
            yield
        except (*gone, tf.errors.DeadlineExceededError, tf.errors.InternalError) as error:
            if isinstance(error, tf.errors.InternalError) and "Collective" not in error.message:
                raise
            raise UserError(
                f"worker {self.worker} of {self.workers}: another one cannot be reached any more "
                f"({type(error).__name__}); start all of them again with the same command, and training goes on from "
                "the last checkpoint"
            ) from error

    def tell(self, ask: Callable[[], bytes]) -> bytes:
        """Ask the chief, and tell all workers. An error of the chief's is raised by all."""
        if self.workers == 1:
            return ask()
        found, error = b"", None
        if self.chief:
            try:
                found = b"+" + ask()
            except Exception as raised:  # or the others would wait for ever
                found, error = b"-" + str(raised).encode(), raised
        with self.losses_told():
            told = collectives.from_chief(self.strategy, self.chief, found)
        if error is not None:
            raise error
        if told[:1] == b"-":
            raise UserError(f"the chief: {told[1:].decode()}")
        return told[1:]


def _type(leaf: Any, name: str | None = None) -> keras.KerasTensor:
    return keras.KerasTensor(tuple(leaf.shape), leaf.dtype.name, name=name)


def read_config() -> tuple[int, int]:
    """How many workers TF_CONFIG names, and which one this is; a chief by name goes first. (1, 0) without it.

    Raises:
        UserError: it is no JSON of a cluster and a task.
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        config = json.loads(text)
        cluster, task = config.get("cluster", {}), config.get("task", {})
        chiefs, workers = len(cluster.get("chief", [])), len(cluster.get("worker", []))
        place = int(task.get("index", 0)) + (chiefs if task.get("type") == "worker" else 0)
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"TF_CONFIG: expected a cluster and a task in JSON, got {text!r}") from error
    return max(1, chiefs + workers), place


def _data_parallel(layout: Any) -> int:
    if not isinstance(layout, keras.distribution.DataParallel):
        raise UserError(f"keras.distribution: expected a DataParallel, got {type(layout).__name__}")
    import jax

    if jax.process_count() > 1:
        raise UserError(f"jax: expected one process, got {jax.process_count()}; workers need KERAS_BACKEND=tensorflow")
    return len(layout.device_mesh.devices.flatten())
