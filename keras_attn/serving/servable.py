"""One version of a model, loaded into a session."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops that text models need

from keras_attn.serving.batching import Batching
from keras_attn.serving.errors import ServingError, invalid

DEFAULT_SIGNATURE = "serving_default"


class Servable:
    """A SavedModel in a C++ session, as TensorFlow Serving runs it; what loads here loads there.

    Args:
        name, version: what it is served as.
        path: the folder of the version.
        batching: how requests are put together; None runs each by itself.
        tags: of the graph in the SavedModel.
        session: configuration of the session, a `ConfigProto`.

    Raises:
        OSError, RuntimeError, ValueError, tf.errors.OpError: it cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        version: int,
        path: Path,
        *,
        batching: Batching | None = None,
        tags: Iterable[str] = ("serve",),
        session: Any = None,
    ):
        self.name, self.version, self.path = name, version, path
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=session)
        self._users, self._retired, self._lock = 0, False, threading.Lock()
        try:
            with graph.as_default():
                loaded = tf.compat.v1.saved_model.load(self._session, list(tags), str(path))
            self.signatures: dict[str, Any] = dict(loaded.signature_def)
            self._batched = {key: self._batch(graph, key, batching) for key in self._batchable(batching)}
            graph.finalize()
        except BaseException:
            self._session.close()
            raise

    def signature(self, name: str) -> Any:
        """The `SignatureDef` of a name; "" is the default one's."""
        try:
            return self.signatures[name or DEFAULT_SIGNATURE]
        except KeyError:
            name = name or DEFAULT_SIGNATURE
            raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.') from None

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Iterable[str],
        timeout: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Run a signature.

        Args:
            signature: its name; "" is the default one.
            inputs: an array for each input; strings are arrays of bytes.
            outputs: names of those to compute.
            timeout: seconds; None is for as long as it takes.

        Raises:
            ServingError: an input is of another type or shape than the signature says, or the time has run out.
            tf.errors.OpError: what the graph says.
        """
        name = signature or DEFAULT_SIGNATURE
        expected = self.signature(name)
        for place, key in enumerate(sorted(inputs)):
            _check(place, key, inputs[key], expected.inputs[key])
        if timeout is not None and timeout <= 0:
            raise ServingError("DEADLINE_EXCEEDED", "Timed out before the request could run")
        options = tf.compat.v1.RunOptions(timeout_in_ms=0 if timeout is None else max(1, int(1000 * timeout)))
        feeds = {key: expected.inputs[key].name for key in inputs}
        fetches = {key: expected.outputs[key].name for key in outputs}
        if name in self._batched:
            ins, outs = self._batched[name]
            try:
                return self._run({key: outs[key] for key in fetches}, {ins[key]: inputs[key] for key in ins}, options)
            except (tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError) as error:
                # One bad request fails the batch that it is in, and what has no rows cannot be in one: these run alone.
                if "is larger than maximum input batch size" in error.message:
                    raise
        return self._run(fetches, {feeds[key]: inputs[key] for key in inputs}, options)

    def _run(self, fetches: Any, feeds: Any, options: Any) -> dict[str, np.ndarray]:
        return {key: np.asarray(value) for key, value in self._session.run(fetches, feeds, options).items()}

    def _batchable(self, batching: Batching | None) -> list[str]:
        found = self.signatures.items() if batching else ()
        return [key for key, signature in found if signature.inputs and signature.outputs and signature.method_name]

    def _batch(self, graph: tf.Graph, key: str, batching: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        signature = self.signatures[key]
        inputs = [graph.get_tensor_by_name(info.name) for info in signature.inputs.values()]
        outputs = [graph.get_tensor_by_name(info.name) for info in signature.outputs.values()]
        ins, outs = batching.wrap(graph, inputs, outputs)
        return dict(zip(signature.inputs, ins, strict=True)), dict(zip(signature.outputs, outs, strict=True))

    def __enter__(self) -> Servable:
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
        self._close_if_done()

    def retire(self) -> None:
        """Close the session when the requests that are running have been answered."""
        self._retired = True
        self._close_if_done()

    def close(self) -> None:
        """Close the session at once: what runs in it is canceled."""
        self._session.close()

    def _close_if_done(self) -> None:
        if self._retired and not self._users:
            self.close()


def _check(place: int, key: str, value: np.ndarray, expected: Any) -> None:
    """A session in Python would cast, or say it in Python's words."""
    wanted, came = tf.as_dtype(expected.dtype), tf.as_dtype(value.dtype)
    if came != wanted:
        raise invalid(f"Expects arg[{place}] to be {wanted.name} but {came.name} is provided")
    shape = tf.TensorShape(expected.tensor_shape)
    if not shape.is_compatible_with(value.shape):
        shown = "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"
        raise invalid(f"Input {key!r} must have shape {shown}, got [{','.join(map(str, value.shape))}]")
