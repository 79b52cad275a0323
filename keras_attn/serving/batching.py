"""Requests that arrive together run together: TensorFlow's own batching op around a signature."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

import tensorflow as tf

from keras_attn.errors import UserError, expect
from keras_attn.serving import text_protos

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Batching:
    """How requests are put together; the defaults are TensorFlow Serving's.

    Attributes:
        max_batch_size: most rows in a batch.
        batch_timeout_micros: how long the first request of a batch waits for others, in microseconds.
        max_enqueued_batches: batches that may wait; what comes then is refused.
        num_batch_threads: batches that run at a time.
        allowed_batch_sizes: sizes that batches are padded to, rising, the last one max_batch_size; any if empty.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        expect(self.batch_timeout_micros >= 0, "batch_timeout_micros", "at least 0", self.batch_timeout_micros)
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != self.max_batch_size):
            wanted = f"rising sizes that end with max_batch_size ({self.max_batch_size})"
            raise UserError(f"allowed_batch_sizes: expected {wanted}, got {list(sizes)}")

    @classmethod
    def read(cls, path: Path) -> Batching:
        """Read a file as --batching_parameters_file names one.

        Raises:
            UserError: it cannot be read, or a value makes no sense.
        """
        given = text_protos.read(path, text_protos.message("BatchingParameters"))
        if given.pad_variable_length_inputs:
            logger.warning("%s: pad_variable_length_inputs is not done; rows of unlike shapes run one by one", path)
        names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
        values = {name: getattr(given, name).value for name in names if given.HasField(name)}
        return cls(**values, allowed_batch_sizes=tuple(given.allowed_batch_sizes))

    def wrap(self, graph: tf.Graph, inputs: list[tf.Tensor], outputs: list[tf.Tensor]) -> tuple[list, list]:
        """Add a batched twin of a part of a graph.

        Args:
            graph: where the part stands, its variables restored.
            inputs, outputs: its tensors; all have the batch first.

        Returns:
            inputs and outputs of the twin.
        """
        with graph.as_default():
            part = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), [o.op.name for o in outputs])
            shared = {name: tensor for node in part.node for name, tensor in _state(graph, node.name).items()}
            feeds = [tf.compat.v1.placeholder(tensor.dtype, tensor.shape) for tensor in inputs]

            @tf.nondifferentiable_batch_function(
                self.num_batch_threads,
                self.max_batch_size,
                self.batch_timeout_micros,
                list(self.allowed_batch_sizes) or None,
                self.max_enqueued_batches,
                autograph=False,
                enable_large_batch_splitting=False,
            )
            def run(*batched: tf.Tensor) -> list[tf.Tensor]:
                given = dict(zip((tensor.name for tensor in inputs), batched, strict=True))
                outside = {name: tf.identity(tensor) for name, tensor in shared.items()}
                names = [tensor.name for tensor in outputs]
                return tf.import_graph_def(part, {**outside, **given}, return_elements=names, name="")

            return feeds, list(run(*feeds))


def _state(graph: tf.Graph, name: str) -> dict[str, tf.Tensor]:
    """What a node holds between runs, such as a variable or a table: it stays outside of the batched part."""
    node = graph.get_operation_by_name(name)
    if node.inputs or not node.op_def.is_stateful:
        return {}
    # A reference to a variable of TensorFlow 1 cannot be handed over, its value can.
    return {tensor.name: tf.identity(tensor) if tensor.dtype._is_ref_dtype else tensor for tensor in node.outputs}
