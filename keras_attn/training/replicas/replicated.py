"""The model that replicas train under `tf.distribute`."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.training.replicas.collectives import total


class Replicated(keras.Model):
    """A functional model over the same layers whose logs, after each step, are those of all replicas together.

    Keras returns the mean over replicas of what each measured in its own rows, and cannot return it at all from
    several workers: `fit` of Keras 3.15.1 fails there in `_symbolic_build`, which is given the mean of the replicas'
    batches, and in the mean over the first axis of logs that have none. Here it builds from the types of a batch, and
    the sums that metrics keep are added up over replicas in the step, with an axis in front if that is wanted.

    Args:
        inputs, outputs: of a functional model.
    """

    batch: Any = None  # called, the types of a batch, {"source", "target"}, labels, weights, as `KerasTensor`s
    workers: int = 1

    def train_step(self, data: Any) -> dict[str, Any]:
        super().train_step(data)
        return self._logs()

    def test_step(self, data: Any) -> dict[str, Any]:
        super().test_step(data)
        return self._logs()

    def _logs(self) -> dict[str, Any]:
        variables = self.metrics_variables
        sums = total([variable.value for variable in variables])
        with keras.StatelessScope(state_mapping=list(zip(variables, sums, strict=True))):
            logs = self.get_metrics_result()
        # Keras takes the mean of the workers' logs over axis 0.
        return {name: keras.ops.reshape(value, (1,)) if self.workers > 1 else value for name, value in logs.items()}

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        return logs  # what Keras would read here is this worker's part

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=self.batch())
