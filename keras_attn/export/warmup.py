"""Requests that a server answers before it says that a version is available."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops

from keras_attn.errors import UserError
from keras_attn.export.outputs import Output

REQUESTS = "tf_serving_warmup_requests"  # in assets.extra, where TensorFlow Serving looks for it


def requests(said: Output, lines: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Inputs for each signature.

    Args:
        said: what the model says of the lines.
        lines: a few real ones.
    """
    source, target = (
        np.array([line.encode("utf-8", "replace") for line in side], object) for side in (lines, said.text)
    )
    of_text = ("serving_default", "align", "n_best", "tokenize")
    return {
        **{name: {"text": source} for name in of_text},
        "score": {"source": source, "target": target},
        "detokenize": {"ids": np.full((len(source), 1), 3, "int32")},
    }


def write_warmup(folder: Path, model: str, asked: dict[str, dict[str, np.ndarray]]) -> bool:
    """Write a request to each signature into `assets.extra`, as records of PredictionLog.

    Args:
        folder: of the version.
        model: its name.
        asked: the inputs of each signature.

    Returns:
        False, and nothing is written, where tensorflow-serving-api is not installed, whose protocol buffers they are.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        return False
    path = folder / "assets.extra" / REQUESTS
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for name, inputs in asked.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = model, name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            file.write(log.SerializeToString())
    return True


def check_warmup(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Read the records back and answer each in a C++ session: one that fails would keep a server from loading.

    Returns:
        The outputs of each signature.

    Raises:
        UserError: one fails.
    """
    from tensorflow_serving.apis import prediction_log_pb2

    records = tf.data.TFRecordDataset(str(folder / "assets.extra" / REQUESTS))
    asked = [prediction_log_pb2.PredictionLog.FromString(record) for record in records.as_numpy_iterator()]
    answers = {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = dict(tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def)
        for request in (log.predict_log.request for log in asked):
            name = request.model_spec.signature_name
            try:
                answers[name] = _answer(session, signatures[name], request.inputs)
            except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(f"export: the warm-up request for signature {name!r} fails ({reason})") from error
    return answers


def _answer(session: Any, signature: Any, inputs: Any) -> dict[str, np.ndarray]:
    given = {info.name: tf.make_ndarray(inputs[name]) for name, info in signature.inputs.items()}
    return session.run({name: info.name for name, info in signature.outputs.items()}, given)
